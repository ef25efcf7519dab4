import { type CommandLine, type CommandOptions, isRingfenceError, RingfenceError, randomId, type WorkspaceHandle } from '@ringfence/core'
import { quoteAll } from '@ringfence/core/plugin'
import { workspaceRelative } from './files/index.ts'
import type { Opened, Plan } from './plan.ts'
import { admit } from './policy/admit.ts'
import { redactError } from './redact-error.ts'

type WithId<T extends CommandOptions> = T & { readonly opId: string }
type Ending = { readonly exitCode: number | null; readonly signal: string | null; readonly timedOut: boolean }

const UNKNOWN_ENDING: Ending = { exitCode: null, signal: null, timedOut: false }

/** Commands as the policy allows them: each is admitted, gets an id, and its start and end are told. */
export function workspaceCommands(plan: Plan, { sandbox, exec }: Opened): Pick<WorkspaceHandle, 'exec' | 'spawn' | 'attach'> {
  const { runtime, runId, layers, audit, redactor, secrets, options } = plan
  const { onEvent } = options
  const session = randomId(runtime.random, 'w', 8)
  let operations = 0

  async function begin<T extends CommandOptions>(line: CommandLine, given: T): Promise<WithId<T>> {
    const cwd = workspaceRelative(sandbox.info.workspace, given.cwd ?? '.')
    admit(layers, { kind: 'command', user: given.user }, 'workspace.exec')
    if (given.user !== undefined && !sandbox.profile.wire.user)
      throw new RingfenceError('feature.unsupported', `"${sandbox.profile.name}" cannot run a command as the user "${given.user}"`, {
        hint: 'Leave `user` out, or use a provider with users.',
        effect: 'none',
      })
    const opId = given.opId ?? `${runId}.${session}.${operations++}`
    const command = redactor.text(typeof line === 'string' ? line : quoteAll(line))
    await audit('command', 'allowed', { opId, command, cwd })
    onEvent?.({ type: 'command.started', opId, command, cwd })
    return { ...given, cwd, opId }
  }

  /** Tells of the end of a command, also of one whose end is not known. */
  async function tellEnd<T extends Ending>(opId: string, ending: Promise<T>): Promise<T> {
    const startedAt = runtime.clock.monotonic()
    const tell = ({ exitCode, signal, timedOut }: Ending, error: string | null): void =>
      onEvent?.({
        type: 'command.ended',
        opId,
        exitCode,
        signal,
        timedOut,
        durationMs: runtime.clock.monotonic() - startedAt,
        error,
      })
    let result: T
    try {
      result = await ending
    } catch (error) {
      tell(UNKNOWN_ENDING, isRingfenceError(error) ? error.code : 'aborted')
      throw redactError(error, redactor)
    }
    tell(result, null)
    return result
  }

  return {
    async exec(line, given = {}) {
      const request = await begin(line, given)
      return tellEnd(request.opId, exec.exec(line, { ...request, secretEnv: secrets.env }))
    },
    async spawn(line, given = {}) {
      const request = await begin(line, given)
      const command = await exec
        .start(line, { ...request, secretEnv: secrets.env })
        .catch((error: unknown) => tellEnd<never>(request.opId, Promise.reject(error)))
      const exit = tellEnd(command.opId, command.exit)
      // Whoever awaits the exit gets the error; here it only must not go unhandled.
      exit.catch(() => undefined)
      return { ...command, exit }
    },
    attach: (opId) => exec.attach(opId),
  }
}
