import { type Capability, type Clock, type FunctionTool, systemClock } from '@ringfence/core'
import { execCommand } from './exec-command.ts'
import { createSessionTable } from './session-table.ts'
import { writeStdin } from './write-stdin.ts'

/** What an app chooses of the shell. */
export interface ShellOptions {
  /** Whether a person must allow a command first; asked for `exec_command` with its arguments. Default false. */
  readonly needsApproval?: FunctionTool['needsApproval']
  /** What the yield times are measured with. Default: the clock of the machine. */
  readonly clock?: Clock | undefined
}

/**
 * Commands in the sandbox: the tools `exec_command` and `write_stdin`, by name, schema and result text those that models
 * were trained on. A command that does not end in time goes on as a session. A session belongs to the sandbox: its id
 * leads back to it from another process, too.
 */
export function shell({ needsApproval, clock = systemClock }: ShellOptions = {}): Capability {
  return {
    name: 'shell',
    tools(binding) {
      const table = createSessionTable()
      return [execCommand({ binding, clock, table, needsApproval }), writeStdin({ clock, table })]
    },
    instructions({ cwd, hasPty }) {
      const place = cwd === '' ? 'the workspace' : `"${cwd}" in the workspace`
      const input = hasPty
        ? 'Pass tty=true to programs that ask questions or need a terminal.'
        : 'Programs that need a terminal do not run here.'
      return [
        `Run commands with exec_command; they start in ${place}. Give workdir instead of using cd.`,
        'One that is still running when the call returns has a session ID: look at it again, or type into it, with write_stdin.',
        input,
      ].join(' ')
    },
  }
}
