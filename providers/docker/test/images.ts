import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Api, api, missing } from './engine.ts'
import { once } from './once.ts'

/** An image of busybox alone. */
export const BUSYBOX = `ringfence-test/busybox:${missing === undefined ? versionOf(['busybox-static']) : 'none'}`

/** What an image of Debian is used for here, taken from this machine. */
const PACKAGES = ['dash', 'bash', 'coreutils', 'util-linux', 'tar', 'findutils', 'grep', 'sed', 'mawk', 'git', 'procps', 'diffutils']
export const DEBIAN = `ringfence-test/debian:${missing === undefined ? versionOf(PACKAGES, process.version) : 'none'}`

const PROBE_PACKAGES = ['dash', 'bash', 'coreutils', 'util-linux', 'findutils', 'grep', 'mount', 'perl-base']
export const PROBES = `ringfence-test/probes:${missing === undefined ? versionOf(PROBE_PACKAGES) : 'none'}`

const PASSWD = 'root:x:0:0:root:/root:/bin/sh\nsandbox:x:1000:1000::/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n'
const GROUP = 'root:x:0:\nsandbox:x:1000:\nnogroup:x:65534:\n'

/** Makes both images in the engine of this run, unless it has them. */
export async function makeImages(): Promise<void> {
  await Promise.all([once('busybox', () => make(BUSYBOX, fillBusybox)), once('debian', () => make(DEBIAN, fillDebian))])
}

/**
 * Makes an image out of a folder that `fill` has filled, unless the engine has it. `changes`: as in a Dockerfile. `engine`:
 * which one, by default that of this run.
 */
export async function make(name: string, fill: (root: string) => void, changes: readonly string[] = [], engine: Api = api): Promise<void> {
  if ((await engine('GET', `/images/${name}/json`)).status === 200) return
  const root = mkdtempSync(join(tmpdir(), 'ringfence-image-'))
  try {
    fill(root)
    const [, tag = ''] = name.split(':')
    const tar = spawn('tar', ['-C', root, '--numeric-owner', '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
    // Docker takes the tag from `tag`, Podman from the name.
    const query = new URLSearchParams({ fromSrc: '-', repo: name, tag })
    for (const change of changes) query.append('changes', change)
    const { status, body } = await engine('POST', `/images/create?${query}`, tar.stdout)
    if (status !== 200 || body.includes('errorDetail')) throw new Error(`The image "${name}" was not made: ${body}`)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** A system of busybox. */
export function fillBusybox(root: string): void {
  fillSystem(root)
  mkdirSync(join(root, 'bin'))
  const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
  cpSync(realpathSync(busybox), join(root, 'bin/busybox'))
  for (const name of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n')) {
    if (name !== '' && name !== 'busybox') symlinkSync('busybox', join(root, 'bin', name))
  }
}

/** Programs of this machine's Debian, and Node, with the libraries that they load. */
export function fillDebian(root: string): void {
  fillPrograms(root, PACKAGES, [process.execPath])
  mkdirSync(join(root, 'usr/local/bin'), { recursive: true })
  cpSync(process.execPath, join(root, 'usr/local/bin/node'))
}

/** What probes are made with, and a program that runs as root whoever starts it. */
export function fillProbes(root: string): void {
  fillPrograms(root, PROBE_PACKAGES)
  const setuid = join(root, 'usr/bin/setuid-id')
  cpSync(realpathSync('/usr/bin/id'), setuid)
  execFileSync('chmod', ['4755', setuid])
}

/** The programs of packages, with the libraries that they load, and that `more` loads. */
function fillPrograms(root: string, packages: readonly string[], more: readonly string[] = []): void {
  fillSystem(root)
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(root, 'usr', name), { recursive: true })
    symlinkSync(`usr/${name}`, join(root, name))
  }
  const files = execFileSync('dpkg', ['-L', ...packages], { encoding: 'utf8' })
    .split('\n')
    .filter((path) => /^(?:\/usr)?\/s?bin\/.|^\/usr\/lib\/git-core\//.test(path))
  const wanted = new Set(['/bin/sh', '/usr/bin/awk', ...files].map(merged))
  for (const path of [...wanted]) {
    if (existsSync(path)) wanted.add(realpathSync(path))
  }
  const programs = [...wanted, ...more].filter((path) => existsSync(path) && lstatSync(path).isFile())
  for (const library of librariesOf(programs)) {
    const place = merged(library)
    wanted.add(place)
    wanted.add(realpathSync(place))
  }
  for (const path of wanted) copy(path, join(root, path))
}

function copy(from: string, to: string): void {
  if (!existsSync(from) || existsSync(to)) return
  mkdirSync(dirname(to), { recursive: true })
  const stat = lstatSync(from)
  if (stat.isSymbolicLink()) symlinkSync(readlinkSync(from), to)
  else if (stat.isFile()) cpSync(from, to)
}

function librariesOf(programs: readonly string[]): Set<string> {
  // Scripts and static programs are among them: ldd then says so, and fails.
  const said = execFileSync('sh', ['-c', 'ldd "$@" 2>/dev/null; :', 'sh', ...programs], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  return new Set([...said.matchAll(/(?:=> |^\s)(\/\S+) \(0x/gm)].map(([, path = '']) => path))
}

/** The place of a file where /bin and /lib are links into /usr. */
const merged = (path: string): string => (/^\/(?:s?bin|lib|lib64)\//.test(path) ? `/usr${path}` : path)

function fillSystem(root: string): void {
  for (const name of ['dev', 'etc', 'proc', 'root', 'sys', 'tmp', 'var/tmp']) mkdirSync(join(root, name), { recursive: true })
  for (const name of ['tmp', 'var/tmp']) execFileSync('chmod', ['1777', join(root, name)])
  writeFileSync(join(root, 'etc/passwd'), PASSWD)
  writeFileSync(join(root, 'etc/group'), GROUP)
  execFileSync('chmod', ['755', root])
}

/** A tag that changes when the packages of this machine do. */
function versionOf(packages: readonly string[], more = ''): string {
  const installed = packages.filter(
    (name) => existsSync(`/var/lib/dpkg/info/${name}.list`) || readdirSync('/var/lib/dpkg/info').includes(`${name}:amd64.list`),
  )
  const versions = installed.length > 0 ? execFileSync('dpkg-query', ['-W', ...installed], { encoding: 'utf8' }) : ''
  return createHash('sha256').update(`1\n${versions}${more}`).digest('hex').slice(0, 12)
}
