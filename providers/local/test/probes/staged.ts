import { readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { systemRuntime } from '@ringfence/core'
import { local } from '../../src/index.ts'
import { layoutOf } from '../../src/layout.ts'
import { type LocalSandbox, type Room, readUntil, requestOf, sh } from '../support.ts'
import * as by from './controls.ts'
import { CANARY, type Host } from './host.ts'
import { bare, inReplica, type Plan, printed } from './replica.ts'

/** An attempt that needs a stage of its own: it tells itself how it goes with its control on and off. */
export interface Staged {
  readonly id: string
  readonly tries: string
  readonly control: string
  held(): Promise<string>
  off(): Promise<string>
  /** What the kernel says without any sandbox, where it may lack what is tried. */
  bare?(): Promise<string>
}

export interface Stage {
  readonly host: Host
  readonly room: Room
  readonly inside: LocalSandbox
  readonly plan: Plan
}

/** What a refused call says, as the probes that are scripts do. */
async function refusal(attempt: () => Promise<unknown> | unknown): Promise<string> {
  try {
    return String(await attempt())
  } catch (error) {
    return `refused: ${error instanceof Error && 'code' in error ? String(error.code) : String(error)}`
  }
}

/** Runs its words on a terminal that is theirs, and says what was typed there when they have ended. */
const ON_A_TERMINAL = `import os, pty, select, subprocess, sys
pid, master = pty.fork()
if pid == 0:
  subprocess.run(sys.argv[1:], close_fds=False)
  typed = os.read(0, 99) if select.select([0], [], [], 0)[0] else b"nothing\\n"
  os.write(1, b"typed: " + typed)
  os._exit(0)
seen = b""
while True:
  try: data = os.read(master, 4096)
  except OSError: break
  if not data: break
  seen += data
os.waitpid(pid, 0)
print("\\n".join(line for line in seen.decode().split("\\r\\n") if line.startswith(("typed:", "refused:"))))`

/** Types into every terminal that it can find. */
const TYPE = `python3 -c '
import errno, fcntl, os, sys
for name in ["/dev/tty"] + ["/proc/self/fd/%d" % fd for fd in range(3)] + [0, 1, 2]:
  try:
    fd = name if isinstance(name, int) else os.open(name, os.O_RDWR | os.O_NONBLOCK)
    for byte in b"${CANARY}\\n": fcntl.ioctl(fd, 0x5412, bytes([byte]))
    break
  except OSError as error: last = error.errno
else: print("refused: " + errno.errorcode.get(last, "?"))'`

/** A harness of its own, as its starter may start one. */
function harness(directory: string, intent: string, script: string): string[] {
  const code = `
    const { local } = await import('@ringfence/provider-local'); const { systemRuntime } = await import('@ringfence/core');
    const sandbox = await local({ directory: ${JSON.stringify(directory)} }).create({ ref: { installation: 't', runId: ${JSON.stringify(intent)}, intentId: 't' },
      isolation: 'process', egress: 'none', limits: {}, lifetimeMs: 60000 }, systemRuntime);
    const child = await sandbox.spawn(['sh', '-c', ${JSON.stringify(script)}]);
    for await (const { bytes } of child.output) process.stdout.write(bytes);
    await sandbox.destroy();`
  return [process.execPath, '--import', import.meta.resolve('tsx'), '--conditions=@ringfence/source', '--input-type=module', '-e', code]
}

/** In the sandbox, at full speed: a directory of the workspace, and a link to the host, change places. */
const SWAP = (name: string, target: string): string => `python3 -u -c '
import ctypes, os
os.makedirs("${name}/child"); os.symlink("${target}", "${name}-link")
for at in ["${name}", "${name}/child"]: open(at + "/canary", "w").write("of the workspace")
swap = ctypes.CDLL(None).renameat2
print("ready")
while True: swap(-100, b"${name}", -100, b"${name}-link", 2)'`

/** Reads as fast as it can, inside. */
const READ = (path: string): string => `python3 -c '
seen = 0
for _ in range(20000):
  try: seen += "${CANARY}" in open("${path}").read()
  except OSError: pass
print("${CANARY}" if seen else "held")'`

/** Reads on the host, as a careful program would: it looks first where the path leads. */
function readOnHost(workspace: string, path: string): string {
  for (let round = 0; round < 1_000_000; round++) {
    try {
      const at = join(workspace, path)
      if (!realpathSync(at).startsWith(`${workspace}/`)) continue
      const text = readFileSync(at, 'utf8')
      if (text.includes(CANARY)) return text
    } catch {
      // The kernel met it in between.
    }
  }
  return 'held'
}

function swapped({ host, room, inside }: Stage, id: string, tries: string, path: string): Staged {
  const against = async (read: () => Promise<string> | string): Promise<string> => {
    const process = await inside.spawn(['sh', '-c', `cd /workspace; rm -rf ${id}*; ${SWAP(id, join(host.directory, 'tree'))}`])
    await readUntil(process.output[Symbol.asyncIterator](), 'ready')
    try {
      return await read()
    } finally {
      await process.kill?.('SIGKILL')
    }
  }
  return {
    id,
    tries,
    control: 'what reads a workspace does so inside',
    held: () => against(() => sh(inside, READ(`/workspace/${id}/${path}`))),
    off: () => against(() => readOnHost(layoutOf(room.directory, inside.info.id).workspace, `${id}/${path}`)),
  }
}

export function stagedProbes(stage: Stage): Staged[] {
  const { host, room, plan } = stage
  const onTerminal: Plan = { ...plan, before: ['python3', '-c', ON_A_TERMINAL] }
  const descriptor: Plan = { ...plan, open: { path: host.directory, covered: true } }
  const readAll = `for d in /proc/self/fd/*; do cat $d/canary; done 2>/dev/null; echo end`
  const effective = `[ "$(${host.directory}/id -u)" = 0 ] && echo "${CANARY}"`
  return [
    {
      id: 'terminal',
      tries: 'type into the terminal of the host (TIOCSTI)',
      control: [by.session, by.typing].map(({ name }) => name).join(', '),
      held: async () => {
        const words = harness(room.directory, 'terminal', TYPE)
        const one = (off: readonly by.Control[]): Promise<string> =>
          inReplica(
            off.reduce((left, { off }) => off(left), onTerminal),
            TYPE,
          )
        return [await printed([...onTerminal.before, ...words], process.env, []), await one([by.session]), await one([by.typing])].join(
          '\n',
        )
      },
      off: () =>
        inReplica(
          [by.session, by.typing].reduce((left, { off }) => off(left), onTerminal),
          TYPE,
        ),
      bare: () => bare(onTerminal, TYPE),
    },
    {
      id: 'inherited-descriptor',
      tries: 'use a descriptor that the starter of the harness left open',
      control: by.covered.name,
      held: async () => {
        const words = harness(room.directory, 'descriptor', readAll)
        const open = ['bash', '-c', `exec 177<${host.directory}; exec "$0" "$@"`]
        return [await printed([...open, ...words], process.env, []), await inReplica(descriptor, readAll)].join('\n')
      },
      off: () => inReplica(by.covered.off(descriptor), readAll),
    },
    {
      id: 'setuid',
      tries: 'become root by a program of root',
      control: 'no new privileges',
      held: async () => {
        const shown = await room.create({}, { readOnlyPaths: [host.directory] })
        return [await sh(shown, effective), await bare({ ...plan, before: ['setpriv', '--no-new-privs'] }, effective)].join('\n')
      },
      off: () => bare(plan, effective),
    },
    {
      id: 'planted-link',
      tries: 'have a link of somebody else bound as the workspace',
      control: 'the state directory is nobody else’s and behind no link',
      held: () => {
        symlinkSync(join(host.directory, 'tree'), join(host.directory, 'writable', 'state'))
        const create = (directory: string): Promise<string> =>
          refusal(async () => {
            const made = await local({ directory }).create(requestOf(), systemRuntime)
            await made.destroy()
            return CANARY
          })
        const places = ['state', 'state/inner', 'inner'].map((name) => join(host.directory, 'writable', name))
        return Promise.all(places.map(create)).then((said) => said.join('\n'))
      },
      off: () => {
        const link = join(host.directory, 'writable', 'state')
        return inReplica({ ...plan, words: plan.words.map((word) => (word === plan.layout.workspace ? link : word)) }, 'cat canary')
      },
    },
    {
      id: 'nul-in-path',
      tries: 'say more to bubblewrap by a NUL in a path',
      control: 'a path holds no NUL',
      held: () => refusal(() => local({ readOnlyPaths: [`/usr/share\0--ro-bind\0${host.directory}`] })),
      off: () => {
        const path = `/usr/share\0/usr/share\0--ro-bind\0${host.directory}\0${host.directory}`
        return inReplica(
          { ...plan, words: [...plan.words.slice(0, -2), '--ro-bind', path, ...plan.words.slice(-2)] },
          `cat ${host.directory}/canary`,
        )
      },
    },
    {
      id: 'option-in-words',
      tries: 'say more to bubblewrap by the words of a command',
      control: 'the words of a command are none of bubblewrap',
      held: () => refusal(() => stage.inside.spawn(['--ro-bind', host.directory, host.directory, 'cat', `${host.directory}/canary`])),
      off: () =>
        inReplica(
          { ...plan, words: [...plan.words.slice(0, -2), '--ro-bind', host.directory, host.directory, ...plan.words.slice(-2)] },
          `cat ${host.directory}/canary`,
        ),
    },
    swapped(stage, 'swapped', 'swap a directory for a link to the host at full speed', 'canary'),
    swapped(stage, 'swapped-parent', 'swap the parent of a directory so', 'child/canary'),
  ]
}
