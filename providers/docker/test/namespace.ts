import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { until } from './until.ts'

/** A network, mounts and processes apart from those of the host. They are gone when this process is, however it ends. */
export interface Namespace {
  /**
   * Runs a shell text there, as root; its variables stay. `"$@"` is the command that the namespace was opened for.
   *
   * @throws when it does not end with 0.
   */
  run(script: string): Promise<void>
  /** Starts the command, as `$engine`, and waits until it answers. */
  start(answers: () => Promise<boolean>): Promise<void>
  /** Ends all that runs there. */
  close(): Promise<void>
}

/** Each line of its input is a shell text; it answers each with one line. */
const SERVE = `ip link set lo up
while read -r line; do eval "$line" >&2; echo "$?"; done`

/** Opens one. `init` reaps, and ends all when its input ends; `log` is a file to be written. */
export function openNamespace(
  init: string,
  command: readonly string[],
  log: string,
  env: Readonly<Record<string, string>> = {},
): Namespace {
  const apart = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
  const fd = openSync(log, 'w')
  const child = spawn('unshare', [...apart, init, '--', 'sh', '-c', SERVE, 'sh', ...command], {
    // What a program leaves where it was started goes with the log.
    cwd: dirname(log),
    stdio: ['pipe', 'pipe', fd],
    env: { PATH: process.env.PATH, ...env },
  })
  closeSync(fd)
  const { stdin, stdout } = child
  if (!stdin || !stdout) throw new Error('The namespace has no pipes')
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  const answers = createInterface({ input: stdout })[Symbol.asyncIterator]()
  const said = (): string => readFileSync(log, 'utf8').slice(-2000)
  const run = async (script: string): Promise<void> => {
    stdin.write(`${script}\n`)
    const { value, done } = await answers.next()
    if (done || value !== '0') throw new Error(`"${script}" ended with "${done ? 'its namespace' : value}": ${said()}`)
  }
  return {
    run,
    async start(isUp) {
      await run('"$@" & engine=$!')
      await until(async () => {
        // Throws when it has ended.
        await run('readlink "/proc/$engine/exe"')
        // It need not listen yet.
        return isUp().catch(() => false)
      })
    },
    async close() {
      stdin.end()
      await ended
    },
  }
}

/** Removes what containers that were killed with their engine leave in each hierarchy of control groups. */
export function removeGroups(name: string): void {
  const mounted = '/sys/fs/cgroup'
  for (const root of [mounted, ...readdirSync(mounted).map((one) => join(mounted, one))]) {
    const path = join(root, name)
    if (existsSync(path)) removeGroup(path)
  }
}

function removeGroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) if (entry.isDirectory()) removeGroup(join(path, entry.name))
  rmdirSync(path)
}
