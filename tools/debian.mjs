// The Debian packages that commands and tests need. Like setup.mjs it imports nothing but Node.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** @typedef {{ name: string, command: string, why: string }} DebianPackage */

/** @type {Record<'bubblewrap' | 'git' | 'busybox' | 'docker' | 'tini' | 'iproute' | 'openssl' | 'procps' | 'python', DebianPackage>} */
export const DEBIAN = {
  bubblewrap: { name: 'bubblewrap', command: 'bwrap', why: 'the local provider keeps its sandboxes apart with it' },
  git: { name: 'git', command: 'git', why: 'repositories go into a workspace through it' },
  docker: { name: 'docker.io', command: 'dockerd', why: 'tests of the docker provider start an engine of their own' },
  tini: { name: 'tini', command: 'tini', why: 'the engine starts containers with it' },
  iproute: { name: 'iproute2', command: 'ip', why: 'the engine of the tests runs in a network of its own' },
  openssl: { name: 'openssl', command: 'openssl', why: 'tests reach an engine over TLS' },
  procps: { name: 'procps', command: 'ps', why: 'the images of the tests hold it' },
  python: { name: 'python3', command: 'python3', why: 'probes of the sandbox make system calls with it' },
  busybox: { name: 'busybox-static', command: 'busybox', why: 'tests run the command protocol on a second shell' },
}

/**
 * What has to be on this machine for a command: bubblewrap where the local provider is used, and git where a repository is taken.
 *
 * @param {import('./command-line.mjs').Needs} needs
 * @returns {DebianPackage[]}
 */
export function debianFor({ provider, repository }) {
  const isLocal = provider === 'local' && process.platform === 'linux'
  return [...(isLocal ? [DEBIAN.bubblewrap] : []), ...(repository ? [DEBIAN.git] : [])]
}

/**
 * Installs Debian packages whose command is missing; it says before what and why. It can only as root on a system with apt.
 *
 * @param {string} who the script that speaks.
 * @param {readonly DebianPackage[]} packages
 * @returns {Promise<DebianPackage[]>} what is still missing, after the line to type was printed.
 */
export async function installDebian(who, packages) {
  const missing = packages.filter(({ command }) => !onPath(command))
  if (missing.length === 0) return []
  const names = missing.map(({ name }) => name)
  const line = `apt-get install -y --no-install-recommends ${names.join(' ')}`
  const reasons = missing.map(({ name, why }) => `  ${name}: ${why}`).join('\n')
  if (!onPath('apt-get') || process.getuid?.() !== 0) {
    const how = onPath('apt-get') ? `Type: sudo ${line}` : `Install with the package manager of this system: ${names.join(' ')}`
    console.error(`${who}: these are missing on this machine:\n${reasons}\n${how}`)
    return missing
  }
  console.error(`${who}: installing as root, with apt-get:\n${reasons}`)
  if (!apt(names)) {
    // A fresh system has no package lists, and old lists name files that are gone.
    spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=400', 'update', '-q'], { stdio: ['ignore', 'ignore', 2] })
    if (!apt(names)) console.error(`${who}: apt-get could not install ${names.join(', ')}; try by hand: ${line}`)
  }
  return missing.filter(({ command }) => !onPath(command))
}

/** @param {readonly string[]} names */
function apt(names) {
  const options = ['-o', 'DPkg::Lock::Timeout=400', 'install', '-y', '-q', '--no-install-recommends', ...names]
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync('apt-get', options, { stdio: ['ignore', 'ignore', 'ignore'], env }).status === 0
}

/** @param {string} command @returns {boolean} */
function onPath(command) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, command)))
}
