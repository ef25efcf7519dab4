import { type Command, type ExecResult, RingfenceError, type WorkspaceHandle } from '@ringfence/core'
import type { Workspace, WorkspaceState } from '@ringfence/workspace'

type Entry = WorkspaceState['control']['entries'][number]

/** A sandbox as the world outside of a process remembers it. */
export interface FakeSandbox {
  readonly id: string
  readonly log: string[]
  /** Receipts by the token of their place, and the id of the operation. */
  readonly places: Map<string, Map<string, string>>
  isAlive: boolean
}

/** A command that really ran, with its options as the workspace got them. */
export interface RanCommand {
  readonly command: string
  readonly opId: string
  readonly cwd?: string | undefined
  readonly user?: string | undefined
}

export function fakeSandbox(id: string, log: readonly string[] = []): FakeSandbox {
  return { id, log: [...log], places: new Map(), isAlive: true }
}

/** The ids of the operations that have a receipt somewhere in a sandbox. */
export function receiptsOf({ places }: FakeSandbox): string[] {
  return [...places.values()].flatMap((place) => [...place.keys()])
}

export interface FakeCommands extends Pick<WorkspaceHandle, 'exec' | 'spawn' | 'attach'>, Pick<Workspace, 'forget'> {
  readonly entries: readonly Entry[]
}

/**
 * Commands under receipts: one id runs once, as far as its place is known. A user whose place is not known gets a new one. `stand` goes on
 * for good, `true` does nothing, any other writes a line into the log and ends.
 *
 * @param known where receipts are, as an earlier process wrote it down.
 */
export function fakeCommands(sandbox: FakeSandbox, known: readonly Entry[], check: () => void, ran: RanCommand[]): FakeCommands {
  const entries: Entry[] = [...known]
  const placeOf = (user: string | null): Map<string, string> => {
    let entry = entries.find((one) => one.user === user)
    if (!entry) {
      const name = `${sandbox.id}-place${sandbox.places.size}`
      entry = { user, path: `/var/tmp/${name}`, generation: 'generation', token: name }
      entries.push(entry)
    }
    const place = sandbox.places.get(entry.token) ?? new Map<string, string>()
    sandbox.places.set(entry.token, place)
    return place
  }
  placeOf(null)

  const begin = (command: string, opId: string, cwd: string | undefined, user: string | undefined): string => {
    check()
    const place = placeOf(user ?? null)
    const before = place.get(opId)
    if (before !== undefined) return before
    if (command !== 'true') {
      ran.push({ command, opId, cwd, user })
      sandbox.log.push(command)
    }
    const output = sandbox.log.join(',')
    place.set(opId, output)
    return output
  }
  const commandOf = (opId: string, isOver: boolean): Command => ({
    opId,
    output: (async function* () {})(),
    exit: isOver ? Promise.resolve({ exitCode: 0, signal: null, timedOut: false, outputCut: false }) : new Promise(() => undefined),
    kill: async () => undefined,
    detach: async () => undefined,
  })
  return {
    entries,
    async exec(line, { opId = 'none', cwd, user } = {}): Promise<ExecResult> {
      const stdout = begin(String(line), opId, cwd, user)
      return { opId, stdout, stderr: '', exitCode: 0, signal: null, timedOut: false, outputCut: false, truncated: false, durationMs: 1 }
    },
    async spawn(line, { opId = 'none', cwd, user } = {}) {
      begin(String(line), opId, cwd, user)
      return commandOf(opId, String(line) !== 'stand')
    },
    async attach(opId) {
      check()
      if (entries.some(({ token }) => sandbox.places.get(token)?.has(opId))) return commandOf(opId, true)
      throw new RingfenceError('exec.lost', `"${opId}" has no receipt`)
    },
    async forget(opIds) {
      check()
      for (const place of sandbox.places.values()) for (const opId of opIds) place.delete(opId)
    },
  }
}
