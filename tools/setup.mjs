// What `npm start` and `npm test` share. It runs before anything is installed, so it imports nothing but Node.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Where tools keep what can be made again. */
export const CACHE = join(ROOT, 'node_modules/.cache/ringfence')

/**
 * The workspaces of the main job: the command line, the provider that needs no account, what compiles them, and another
 * provider of this repository when one is asked for.
 *
 * @param {string | undefined} provider
 * @returns {string[]}
 */
export function mainWorkspaces(provider) {
  const isOther =
    provider !== undefined && provider !== 'local' && /^[a-z0-9-]+$/.test(provider) && isThere(`providers/${provider}/package.json`)
  return ['ringfence', '@ringfence/provider-local', 'ringfence-tools', ...(isOther ? [`@ringfence/provider-${provider}`] : [])]
}

/** The environment of turbo: it reports nothing to anyone. */
export const TURBO_ENV = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1' }

/**
 * Runs a program on this terminal until it ends. A signal that reaches this process is passed on and then waited for,
 * so that the child can clean up.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>} its exit code; 128 and the number of the signal when one ended it, as a shell says it.
 */
export async function run(command, args, options = {}) {
  const child = spawn(command, args, { stdio: 'inherit', cwd: ROOT, ...options })
  const forward = (/** @type {NodeJS.Signals} */ signal) => {
    // The terminal sends SIGINT to the whole group already.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])
  for (const signal of signals) process.on(signal, forward)
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === 'SIGINT' ? 2 : signal === 'SIGTERM' ? 15 : 9)))
    })
  } finally {
    for (const signal of signals) process.off(signal, forward)
  }
}

/** @typedef {{ version?: string, optional?: boolean, devOptional?: boolean, peer?: boolean, link?: boolean, resolved?: string, devDependencies?: Record<string, string>, dependencies?: Record<string, string> }} LockEntry */
/** @typedef {Record<string, LockEntry>} Lock */

/** @param {string} root @returns {Lock} what is to be installed. */
export function readLock(root) {
  return JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
}

/** @param {string} root @returns {Lock | undefined} what is installed, as npm noted it; nothing before the first install. */
function readInstalled(root) {
  const path = join(root, 'node_modules/.package-lock.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined
}

/**
 * Tells what of the lock file is not installed in its version. Optional packages do not count: those for another
 * system are never there.
 *
 * @param {Lock} lock
 * @param {Lock | undefined} installed
 * @param {(path: string) => boolean} isThere whether a folder below the root exists.
 * @returns {string[]} paths below the root.
 */
export function missingOf(lock, installed, isThere) {
  const wanted = Object.entries(lock).filter(([path, entry]) => path.includes('node_modules/') && !entry.optional && !entry.devOptional)
  return wanted
    .filter(([path, entry]) => {
      const found = installed?.[path]
      if (!found || !isThere(path)) return true
      return entry.link ? found.resolved !== entry.resolved : found.version !== entry.version
    })
    .map(([path]) => path)
}

/**
 * The part of a lock file that some workspaces need to run: their dependencies and those of these, found as Node finds them.
 *
 * @param {Lock} lock
 * @param {readonly string[]} names names of workspaces.
 * @returns {Lock}
 */
export function closureOf(lock, names) {
  /** @type {Lock} */
  const closure = {}
  const queue = names.map((name) => `node_modules/${name}`)
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const entry = lock[path]
    if (!entry || closure[path]) continue
    closure[path] = entry
    const folder = entry.link && entry.resolved ? entry.resolved : path
    for (const name of Object.keys(lock[folder]?.dependencies ?? {})) queue.push(resolveIn(lock, folder, name))
  }
  return closure
}

/** @param {Lock} lock @param {string} folder @param {string} name */
function resolveIn(lock, folder, name) {
  for (let at = folder; at !== '.' && at !== ''; at = at.includes('/') ? at.slice(0, at.lastIndexOf('/')) : '') {
    const path = `${at}/node_modules/${name}`
    if (lock[path]) return path
  }
  return `node_modules/${name}`
}

/**
 * Installs for the main job what is missing, and nothing when all is there. A tree that holds the tools of developers is
 * never given a filtered `npm ci`, which would prune it.
 *
 * @param {string} who the script that speaks.
 * @param {readonly string[]} workspaces
 */
export async function installForMainJob(who, workspaces) {
  const lock = readLock(ROOT)
  const installed = readInstalled(ROOT)
  if (missingOf(closureOf(lock, workspaces), installed, isThere).length === 0) return
  const isFull = installed?.['node_modules/turbo'] !== undefined
  if (isFull) return installAll(who)
  console.error(`${who}: installing the packages of the command line (npm ci)`)
  await npmCi(['--omit=dev', ...workspaces.flatMap((name) => ['-w', name])])
}

/**
 * Installs all that the lock file names when something of it is missing or of another version.
 *
 * @param {string} who the script that speaks.
 */
export async function installAll(who) {
  if (missingOf(readLock(ROOT), readInstalled(ROOT), isThere).length === 0) return
  console.error(`${who}: installing all packages (npm ci)`)
  await npmCi([])
}

/** @param {string} path */
function isThere(path) {
  return existsSync(join(ROOT, path))
}

/** @param {readonly string[]} args */
async function npmCi(args) {
  const code = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...args], { stdio: ['ignore', 2, 2] })
  if (code !== 0) fail(`npm ci ended with exit code ${code}; what it printed stands above`, code)
}

/**
 * Runs tasks of the workspaces, each only when its inputs changed.
 *
 * @param {readonly string[]} tasks
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>} the exit code.
 */
export function turbo(tasks, options = {}) {
  return run(join(ROOT, 'node_modules/.bin/turbo'), ['run', ...tasks, '--output-logs=errors-only'], { env: TURBO_ENV, ...options })
}

/**
 * Ends this process with a reason.
 *
 * @param {string} message
 * @param {number} [code] default 1.
 * @returns {never}
 */
export function fail(message, code = 1) {
  console.error(message)
  process.exit(code || 1)
}
