import { RingfenceError } from '../errors/ringfence-error.ts'

/** The errors that every provider throws, so that one condition reads alike everywhere. */
export interface ProviderErrors {
  /** An option or an argument is wrong; nothing was done. */
  invalid(operation: string, message: string, hint: string): RingfenceError
  /** Something is asked for that the profile does not declare; nothing was done. */
  unsupported(operation: string, feature: string, hint: string): RingfenceError
  /** A program, a service or a kernel feature is missing here. */
  unavailable(operation: string, message: string, hint: string, cause?: unknown): RingfenceError
  /** The sandbox did not start, and nothing of it is left. */
  startFailed(message: string, hint: string, cause?: unknown): RingfenceError
  /** The sandbox has ended, or was replaced. */
  gone(operation: string, id: string, cause?: unknown): RingfenceError
  /** The handle was released or destroyed here. */
  closed(operation: string, id: string): RingfenceError
  /** The program could not be started inside. */
  spawnFailed(argv: readonly string[], message: string, cause?: unknown): RingfenceError
  /** The process reads no more. */
  stdinLost(cause?: unknown): RingfenceError
  /** The vendor or the connection failed; whether it had its effect is not known. */
  failed(operation: string, message: string, cause?: unknown): RingfenceError
}

/** The common errors, in the name of one provider. */
export function providerErrors(provider: string): ProviderErrors {
  return {
    invalid: (operation, message, hint) => new RingfenceError('config.invalid', message, { provider, operation, hint, effect: 'none' }),
    unsupported: (operation, feature, hint) =>
      new RingfenceError('feature.unsupported', `"${feature}" is not a feature of this provider`, {
        provider,
        operation,
        hint,
        effect: 'none',
        details: { feature },
      }),
    unavailable: (operation, message, hint, cause) =>
      new RingfenceError('sandbox.unavailable', message, { provider, operation, hint, effect: 'none', cause }),
    startFailed: (message, hint, cause) =>
      new RingfenceError('sandbox.start-failed', message, {
        provider,
        operation: 'sandbox.create',
        hint: `Nothing is left running. ${hint}`,
        retry: 'safe',
        effect: 'none',
        cause,
      }),
    gone: (operation, id, cause) =>
      new RingfenceError('sandbox.gone', `The sandbox "${id}" is not there any more`, {
        provider,
        operation,
        hint: 'Restore from the last snapshot; it is not built anew by itself.',
        cause,
      }),
    closed: (operation, id) =>
      new RingfenceError('sandbox.closed', `The handle of the sandbox "${id}" was released or destroyed`, {
        provider,
        operation,
        hint: 'Resume the sandbox for a new handle.',
        effect: 'none',
      }),
    spawnFailed: (argv, message, cause) =>
      new RingfenceError('exec.spawn-failed', `"${argv[0] ?? ''}" could not be started: ${message}`, {
        provider,
        operation: 'sandbox.spawn',
        hint: 'Check that the program is there inside of the sandbox, and may be run.',
        effect: 'none',
        cause,
      }),
    stdinLost: (cause) =>
      new RingfenceError('exec.invalid-stdin', 'The process does not read its standard input any more', {
        provider,
        operation: 'process.stdin',
        hint: 'It has ended or closed its input.',
        cause,
      }),
    failed: (operation, message, cause) =>
      new RingfenceError('provider.failed', message, { provider, operation, effect: 'unknown', cause }),
  }
}
