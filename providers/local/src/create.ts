import { chmodSync, chownSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  abortable,
  type CreateRequest,
  LIMIT_NAMES,
  type LimitName,
  type Limits,
  type RuntimeContext,
  randomId,
  throwIfAborted,
} from '@ringfence/core'
import { bubblewrapArguments, findBubblewrap } from './bubblewrap.ts'
import { makeCgroups, plannedCgroups } from './cgroups.ts'
import { endSandbox, isAlive, isKept, sweep } from './ending.ts'
import { directoryFailure, errnoOf, errors } from './errors.ts'
import { startKeeper } from './keeper.ts'
import { hostUserOf, ID_PATTERN, idOf, type Layout, layoutOf } from './layout.ts'
import { writeLease } from './lease.ts'
import { missingIsolation } from './observed.ts'
import type { Settings } from './options.ts'
import { heldLimits } from './profile.ts'
import {
  type Intent,
  isRunning,
  type Ready,
  readFirst,
  readGroups,
  readIntent,
  readReady,
  thisProcess,
  writeIntent,
  writeReady,
} from './records.ts'
import { runtimeDirectory } from './runtime-files.ts'
import { hasOwnUser, openRoot } from './state-root.ts'
import { RULES } from './syscalls.ts'

/** A sandbox that can be used, and who of its holders this is. */
export interface Made {
  readonly layout: Layout
  readonly intent: Intent
  readonly ready: Ready
  readonly holder: string
  /** How many sets of FIFOs the keeper made for this holder. */
  readonly sets: number
}

/** The first processes need no program that makes FIFOs. */
const FIRST_SETS = 2
const WAIT_MS = 10

const swept = new Set<string>()

/** Makes the sandbox of an intent, or finds the one that is there or being made. */
export async function createSandbox(settings: Settings, request: CreateRequest, context: RuntimeContext): Promise<Made> {
  throwIfAborted(request.signal)
  const bubblewrap = settings.isolation === 'none' ? '' : findBubblewrap(settings.bubblewrap)
  if (settings.isolation === 'process' && !RULES[process.arch])
    throw errors.unavailable(
      'sandbox.create',
      `There is no filter of system calls for "${process.arch}"`,
      'Use x64 or arm64, or another provider.',
    )
  const root = openRoot(settings)
  if (!swept.has(root)) {
    swept.add(root)
    await sweep(root, context)
  }
  const layout = layoutOf(root, idOf(request.ref))
  const holder = randomId(context.random, 'h', 12)
  for (;;) {
    const found = await waitForOther(layout, request, context)
    if (found) return { layout, ...found, holder, sets: 0 }
    const made = await claimAndStart({ settings, request, context, layout, root, bubblewrap, holder })
    if (made) return made
  }
}

/** The sandbox that another call made or makes; `undefined` when there is none. What is left of a dead one is removed. */
async function waitForOther(
  layout: Layout,
  request: CreateRequest,
  context: RuntimeContext,
): Promise<{ intent: Intent; ready: Ready } | undefined> {
  for (;;) {
    throwIfAborted(request.signal)
    const intent = readIntent(layout)
    if (!intent) return undefined
    const ready = readReady(layout)
    const alive = isAlive(layout)
    if (ready && alive) {
      checkSame(intent, request)
      return { intent, ready }
    }
    if (isRunning(intent.creator) && !(ready && !isKept(layout))) await context.clock.sleep(WAIT_MS, { signal: request.signal })
    else await endSandbox(layout, context)
  }
}

function checkSame(intent: Intent, request: CreateRequest): void {
  const same =
    intent.egress === request.egress &&
    (request.isolation === 'none' || intent.isolation === 'process') &&
    JSON.stringify(intent.limits) === JSON.stringify(limitsOf(request))
  if (!same)
    throw errors.invalid(
      'sandbox.create',
      `The intent "${request.ref.intentId}" has a sandbox already, which was asked for with another isolation, network or limits`,
      'Ask for the same, or give the new sandbox an intent of its own.',
    )
}

interface Start {
  readonly settings: Settings
  readonly request: CreateRequest
  readonly context: RuntimeContext
  readonly layout: Layout
  readonly root: string
  readonly bubblewrap: string
  readonly holder: string
}

/** Makes the sandbox; `undefined` when another call was first. */
async function claimAndStart(start: Start): Promise<Made | undefined> {
  const { settings, request, context, layout, root, bubblewrap, holder } = start
  const intent: Intent = {
    generation: randomId(context.random, 'g'),
    creator: thisProcess(),
    isolation: settings.isolation,
    egress: request.egress,
    limits: limitsOf(request),
  }
  let runtime: string
  try {
    runtime = runtimeDirectory(root, context.random)
    if (!claim(start, intent, runtime)) return undefined
  } catch (cause) {
    throw named(root, cause)
  }
  try {
    throwIfAborted(request.signal)
    if (hasOwnUser(settings.isolation)) checkUser(root, layout)
    const counted = settings.isolation === 'none' ? [] : limitAsWhole(layout, intent)
    await abortable(startKeeper({ layout, runtime, bubblewrap, holder, sets: FIRST_SETS, intent, counted }), request.signal)
    if (settings.isolation === 'process') verify(layout, intent)
    const ready: Ready = { generation: intent.generation, limits: heldLimits(settings.isolation, counted) }
    writeReady(layout, ready)
    if (!isAlive(layout)) throw errors.startFailed('The sandbox ended while it started', 'Give it a longer lifetime.')
    return { layout, intent, ready, holder, sets: FIRST_SETS }
  } catch (cause) {
    await endSandbox(layout, context)
    throw request.signal?.aborted ? cause : named(root, cause)
  }
}

/** What the operating system refuses is told as a matter of the state directory. */
function named(root: string, cause: unknown): unknown {
  return cause instanceof Error && 'syscall' in cause ? directoryFailure(root, cause) : cause
}

/** Prepares a directory under a name of its own and gives it its name at one stroke: of two calls one succeeds. */
function claim({ settings, request, layout, root, holder, bubblewrap }: Start, intent: Intent, runtime: string): boolean {
  const { pid, started } = intent.creator
  const made = join(root, `.new-${pid}-${started}-${intent.generation}`)
  try {
    mkdirSync(made, { mode: 0o700 })
    const own = hasOwnUser(settings.isolation)
    const user = hostUserOf(layout.id)
    for (const path of [layout.workspace, layout.control, layout.temporary, layout.home]) {
      const at = join(made, path.slice(layout.directory.length))
      mkdirSync(at, { mode: 0o700 })
      if (own) chownSync(at, user, user)
    }
    for (const at of [join(made, 'requests'), join(made, 'requests', holder)]) {
      mkdirSync(at)
      chmodSync(at, 0o755)
    }
    if (own) {
      chownSync(made, 0, user)
      chmodSync(made, 0o710)
    }
    if (bubblewrap !== '') writeFileSync(join(made, 'arguments'), `${bubblewrapArguments(layout, runtime, settings, request).join('\0')}\0`)
    const groups = settings.isolation === 'none' ? [] : plannedCgroups(intent.generation, intent.limits)
    writeFileSync(join(made, 'cgroups'), groups.map((path) => `${path}\n`).join(''))
    writeIntent(made, intent)
    writeLease(made, holder, request.lifetimeMs)
    renameSync(made, layout.directory)
  } catch (cause) {
    rmSync(made, { recursive: true, force: true })
    const code = errnoOf(cause)
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false
    throw cause
  }
  return true
}

/** Makes the control groups. Their names are on disk since the claim, so that whoever removes the directory finds them. */
function limitAsWhole(layout: Layout, intent: Intent): readonly LimitName[] {
  const { directories, limits } = makeCgroups(intent.generation, intent.limits)
  if (directories.length < readGroups(layout).length) writeFileSync(layout.cgroups, '')
  return limits
}

/** Refuses a second sandbox with the user of another: they could reach each other's files. */
function checkUser(root: string, { id }: Layout): void {
  const user = hostUserOf(id)
  if (readdirSync(root).some((name) => name !== id && ID_PATTERN.test(name) && hostUserOf(name) === user))
    throw errors.startFailed(`The user ${user} belongs to another sandbox`, 'Start again with another intent.')
}

function verify(layout: Layout, { egress }: Intent): void {
  const user = hasOwnUser('process') ? hostUserOf(layout.id) : (process.getuid?.() ?? 0)
  let missing: string[]
  try {
    missing = missingIsolation(readFirst(layout), egress, user)
  } catch (cause) {
    throw errors.startFailed('The sandbox ended while it started', 'Give it a longer lifetime, or see whether memory ran out.', cause)
  }
  if (missing.length > 0)
    throw errors.startFailed(
      `The sandbox came without ${missing.join(', ')}`,
      'This bubblewrap or this kernel cannot isolate. Use another provider.',
    )
}

function limitsOf({ limits }: CreateRequest): Limits {
  return Object.fromEntries(LIMIT_NAMES.filter((name) => limits[name] !== undefined).map((name) => [name, limits[name]]))
}
