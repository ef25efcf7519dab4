#!/usr/bin/env node
import { CommanderError } from 'commander'
import { makeContext } from './commands/context.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { type Launch, program } from './program.ts'
import { reportError } from './report-error.ts'

const INTERRUPTED = Symbol('interrupted')

/** Ctrl-C aborts what runs, which then cleans up; a second one ends at once. */
function interruptible(): AbortSignal {
  const controller = new AbortController()
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(EXIT_CODES.interrupted)
    process.stderr.write('\ninterrupted: cleaning up (again to stop at once)\n')
    controller.abort(INTERRUPTED)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return controller.signal
}

const launch: Launch = async (options, body) => {
  const signal = interruptible()
  const context = makeContext(options, signal)
  try {
    process.exitCode = await body(context)
  } catch (error) {
    process.exitCode =
      error === INTERRUPTED || (signal.aborted && signal.reason === error) ? EXIT_CODES.interrupted : reportError(context.screen, error)
  }
  process.removeAllListeners('SIGINT')
  process.removeAllListeners('SIGTERM')
}

// A reader that went away (`| head`) is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? EXIT_CODES.done)
  throw error
})

const command = program(launch).exitOverride()
for (const sub of command.commands) sub.exitOverride()
try {
  await command.parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.usage
}
