import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { asUser, ENVIRONMENT } from '../../src/keeper.ts'
import { type Layout, layoutOf } from '../../src/layout.ts'
import { filterOf } from '../../src/seccomp.ts'
import { RULES, type Rules } from '../../src/syscalls.ts'
import type { LocalSandbox } from '../support.ts'

/** What one command line of bubblewrap is made of. A control is switched off by a change of it. */
export interface Plan {
  readonly layout: Layout
  /** Runs first, with the whole command after it. */
  readonly before: readonly string[]
  /** The user of the host; `undefined` for that of the harness. */
  readonly user: number | undefined
  /** What bubblewrap reads from descriptor 3. */
  readonly words: readonly string[]
  /** The words are on the command line instead, where everybody sees them. */
  readonly told: boolean
  readonly rules: Rules
  /** Calls of another machine end the process. */
  readonly sameMachine: boolean
  readonly environment: NodeJS.ProcessEnv
  /** A directory that is open as a descriptor when bubblewrap starts, and whether it is covered. */
  readonly open: { readonly path: string; readonly covered: boolean } | undefined
}

/** As the keeper starts a sandbox, taken from one that runs: its words and its user are read from where it lies. */
export function planOf(root: string, sandbox: LocalSandbox): Plan {
  const layout = layoutOf(root, sandbox.info.id)
  const rules = RULES[process.arch]
  if (!rules) throw new Error(`there is no filter for "${process.arch}"`)
  return {
    layout,
    before: [],
    user: process.getuid?.() === 0 ? statSync(layout.workspace).uid : undefined,
    words: readFileSync(layout.arguments, 'utf8').split('\0').slice(0, -1),
    told: false,
    rules,
    sameMachine: true,
    environment: ENVIRONMENT,
    open: undefined,
  }
}

const JOIN =
  'while read -r group; do if [ -e "$group/tasks" ]; then echo 0 >"$group/tasks"; else echo 0 >"$group/cgroup.procs"; fi; done <"$0"; exec "$@"'
const DROP = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']
let files = 0

/** Runs a script in a bubblewrap made to the plan, in the control groups of the sandbox; returns what it prints. */
export async function inReplica(plan: Plan, script: string): Promise<string> {
  const { layout, told, user, open } = plan
  const hasOwnNamespace = plan.words.includes('--unshare-user')
  // Without a namespace of its own it is root who starts it, who needs the right to change the user until that is done inside.
  const changes = !hasOwnNamespace && user !== undefined
  const words = changes ? plan.words.filter((word, index, all) => word !== '--cap-drop' && all[index - 1] !== '--cap-drop') : plan.words
  const inside = [...(changes ? [...DROP, ...setUser(user)] : []), 'sh', '-c', `cd /workspace; ${script}`]
  const cover = open?.covered ? ['--file', '5', '/run/.closed'] : []
  const command = ['bwrap', ...cover, ...(told ? words : ['--args', '3']), '--seccomp', '4', '--', ...inside]
  const as = hasOwnNamespace && user !== undefined ? asUser(user) : []
  const started = [...plan.before, 'sh', '-c', JOIN, layout.cgroups, ...as, ...command]
  const filter = filterOf(plan.rules)
  const descriptors = [
    opened(layout.directory, `${words.join('\0')}\0`),
    opened(layout.directory, plan.sameMachine ? filter : filter.subarray(MACHINE_CHECK)),
    ...(open ? [openSync(open.covered ? '/dev/null' : open.path, 'r')] : []),
  ]
  try {
    return await printed(started, plan.environment, descriptors)
  } finally {
    for (const fd of descriptors) closeSync(fd)
  }
}

/** Runs a script in no sandbox at all, as the user of the plan. For scripts alone that change nothing where they succeed. */
export async function bare({ user, environment, before }: Plan, script: string): Promise<string> {
  return printed([...before, ...(user === undefined ? [] : asUser(user)), 'sh', '-c', script], environment, [])
}

/** The first three instructions of a filter, of eight bytes each. */
const MACHINE_CHECK = 24

const setUser = (user: number): string[] => ['--reuid', String(user), '--regid', String(user), '--clear-groups']

/** A file that is read once, as an open descriptor. */
function opened(directory: string, content: string | Buffer): number {
  const path = join(directory, `probe-${files++}`)
  writeFileSync(path, content)
  const fd = openSync(path, 'r')
  unlinkSync(path)
  return fd
}

export async function printed(command: readonly string[], environment: NodeJS.ProcessEnv, descriptors: readonly number[]): Promise<string> {
  const [program = '', ...words] = command
  const child = spawn(program, words, { cwd: '/', env: environment, stdio: ['ignore', 'pipe', 'pipe', ...descriptors] })
  const pieces: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => pieces.push(data))
  await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  return Buffer.concat(pieces).toString()
}
