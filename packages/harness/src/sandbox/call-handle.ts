import { type CommandOptions, RingfenceError, type WorkspaceHandle } from '@ringfence/core'
import type { Workspace } from '@ringfence/workspace'
import type { Began, CallCommands } from './receipts.ts'

export interface CallHandleOptions {
  /** The run and the call, path-safe: the operations of the call are numbered after it. */
  readonly callKey: string
  /** Where commands begin when they do not say; "" is the workspace itself. */
  readonly cwd: string
  readonly runAs: string | undefined
  readonly signal: AbortSignal
  readonly commands: CallCommands
}

function lost(opId: string, why: string): never {
  throw new RingfenceError('exec.lost', `What became of the command "${opId}" cannot be known: ${why}`, {
    operation: 'exec',
    hint: 'Look at what it should have done before you run it again.',
    details: { opId },
  })
}

/**
 * The workspace as one call of a tool sees it. Its commands get the ids of the call, so that a call that is made again
 * after a crash finds those it had started; they begin in the agent's `cwd`, run as its `runAs`, and are killed when the
 * call is aborted.
 */
export function callHandle(owner: Workspace, { callKey, cwd, runAs, signal, commands }: CallHandleOptions): WorkspaceHandle {
  const workspace = owner.restricted()
  let operations = 0

  const began = (user: string | undefined): Began => {
    const { sandbox, control } = owner.state
    const entry = control.entries.find((one) => one.user === (user ?? null))
    const { generation } = commands
    return { sandboxId: sandbox.id, generation, controlToken: entry?.token ?? '', control: user === undefined ? undefined : entry }
  }
  /** No receipt means that a command never started only as long as nothing says that it did. */
  const checkTrace = async (opId: string): Promise<void> => {
    const before = commands.begun.get(opId)
    if (!before) return
    const { sandbox, control } = owner.state
    const isKept = control.entries.some(({ token }) => token === before.controlToken)
    if (before.generation !== commands.generation || before.sandboxId !== sandbox.id || !isKept)
      lost(opId, 'it began in another sandbox, or in another life of this one')
    await (await workspace.attach(opId)).detach()
  }
  /** A command that does nothing makes the place for the receipts of a user. */
  const beginAs = async (user: string): Promise<void> => {
    const opId = `${callKey}.as.${user}`
    await workspace.exec(['true'], { opId, user, signal })
    commands.started(opId, began(user))
  }
  const prepare = async <T extends CommandOptions>(given: T) => {
    const opId = given.opId ?? `${callKey}.${++operations}`
    const user = given.user ?? runAs
    if (user !== undefined) await commands.place(user, () => beginAs(user))
    await checkTrace(opId)
    return { ...given, opId, user, cwd: given.cwd ?? (cwd === '' ? undefined : cwd), signal: given.signal ?? signal }
  }
  return Object.freeze({
    ...workspace,
    async exec(line, given = {}) {
      const request = await prepare(given)
      const result = await workspace.exec(line, request)
      commands.started(request.opId, began(request.user))
      return result
    },
    async spawn(line, given = {}) {
      const request = await prepare(given)
      const command = await workspace.spawn(line, request)
      commands.started(request.opId, began(request.user), command.exit)
      return command
    },
  } satisfies WorkspaceHandle)
}
