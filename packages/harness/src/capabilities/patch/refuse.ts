import { RingfenceError } from '@ringfence/core'

/** The error for a patch that is malformed or does not fit. Nothing was changed when it is thrown. */
export function refuse(message: string, hint?: string): RingfenceError {
  return new RingfenceError('config.invalid', message, { effect: 'none', hint })
}
