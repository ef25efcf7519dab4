#!/usr/bin/env node
import { CommanderError } from 'commander'
import { makeContext } from './commands/context.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { type Launch, program } from './program.ts'
import { reportError } from './report-error.ts'

const STOPPED = Symbol('stopped')
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Stops what runs, which then cleans up. */
const stopping = new AbortController()

function onSignal(): void {
  if (stopping.signal.aborted) process.exit(EXIT_CODES.interrupted)
  process.stderr.write('\ninterrupted: cleaning up (again to stop at once)\n')
  stopping.abort(STOPPED)
}

// A reader that went away (`| head`) wants no more: what runs for it ends.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  stopping.abort(STOPPED)
})
process.stderr.on('error', () => {
  // The terminal is gone; nobody reads what is said there.
})

const launch: Launch = async (options, body) => {
  for (const signal of SIGNALS) process.on(signal, onSignal)
  const context = makeContext(options, stopping.signal)
  try {
    process.exitCode = await body(context)
  } catch (error) {
    process.exitCode = error === STOPPED ? EXIT_CODES.interrupted : reportError(context.screen, error)
  }
  for (const signal of SIGNALS) process.off(signal, onSignal)
}

/** Shows what is wrong with the arguments in the one form of all errors. */
function reportUsage({ message }: CommanderError): void {
  const end = process.argv.indexOf('--')
  const words = process.argv.slice(2, end < 0 ? undefined : end)
  const { screen } = makeContext({ json: words.includes('--json') }, stopping.signal)
  const name = command.commands.find((one) => one.name() === words[0])?.name()
  screen.error('config.invalid', message.replace(/^error: /, ''), `See: ringfence ${name === undefined ? '' : `${name} `}--help`)
}

const command = program(launch)
for (const one of [command, ...command.commands]) one.exitOverride().configureOutput({ outputError: () => undefined })
try {
  await command.parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  if (!/^commander\.(?:help|version)/.test(error.code)) reportUsage(error)
  process.exitCode = error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.usage
}
