import type { PtyFacet, PtyProcess } from '@ringfence/core'
import { checkSpawn, checkTerminalSize } from '@ringfence/core/plugin'
import { ask, cutReason } from './client.ts'
import { CODE, errors, failureOf } from './errors.ts'
import { type Link, whenAwake } from './link.ts'
import { startProcess } from './process.ts'
import { profile } from './profile.ts'
import { selectorOf } from './rpc.ts'
import { runScript } from './run.ts'

/** The process is the leader of its session. */
const HANG_UP = 'kill -s HUP -- "-$1" 2>/dev/null || :'

export function terminalsOf(link: Link, check: (operation: string) => void): PtyFacet {
  return {
    async open(argv, { size, user, signal }): Promise<PtyProcess> {
      const operation = 'sandbox.pty'
      check(operation)
      checkSpawn(argv, { user, stdin: true }, profile, errors)
      checkTerminalSize(size, errors)
      const request = { operation, argv, user, signal, stdin: true, size: [size.columns, size.rows] as const }
      const { pid, stdin, ...process } = await startProcess(link, request)
      if (!stdin) throw errors.failed(operation, 'The terminal has no input')
      return {
        ...process,
        stdin,
        async detach() {
          await process.detach()
          // The sandbox has ended, and the terminal with it; or it is paused.
          if (!link.isClosed && !link.hold) await runScript(link, 'pty.detach', HANG_UP, String(pid)).catch(() => undefined)
        },
        async resize(next) {
          check('pty.resize')
          checkTerminalSize(next, errors)
          await whenAwake(link, 'pty.resize')
          const terminal = { size: { cols: next.columns, rows: next.rows } }
          try {
            await ask(link.client, { operation: 'pty.resize' }, (stop) =>
              link.rpc.update({ process: selectorOf(pid), pty: terminal }, { signal: stop }),
            )
          } catch (error) {
            const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
            // A process that has ended has no size.
            if (failureOf(cause).code !== CODE.notFound) throw await cutReason(link.client, 'pty.resize', link.id, cause)
          }
        },
      }
    },
  }
}
