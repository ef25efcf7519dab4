import { type ErrorCode, RingfenceError, type RingfenceErrorOptions } from '@ringfence/core'

const QUOTED_CHARACTERS = 300
/** A shorter beginning of a key tells nothing, and is found in innocent text. */
const TELLING_CHARACTERS = 6

/** Makes errors of one service, with what it says quoted shortly and without what must stay hidden. */
export interface Quoting {
  quote(text: string): string
  make(code: ErrorCode, message: string, options: RingfenceErrorOptions): RingfenceError
}

/** Takes a value out of a text, also where the text ends in the middle of it. */
function without(text: string, value: string): string {
  const rest = text.replaceAll(value, '[redacted]')
  for (let length = value.length - 1; length >= TELLING_CHARACTERS; length--)
    if (rest.endsWith(value.slice(0, length))) return `${rest.slice(0, -length)}[redacted]`
  return rest
}

/** @param hidden what must never be quoted: the key, and the values of the app's own headers. */
export function quoting(hidden: readonly string[]): Quoting {
  return {
    quote(text) {
      const clean = hidden.reduce(without, text).replaceAll(/\s+/g, ' ').trim()
      return clean.length > QUOTED_CHARACTERS ? `${clean.slice(0, QUOTED_CHARACTERS)}...` : clean
    },
    make: (code, message, options) => new RingfenceError(code, message, { provider: 'openai', operation: 'model.stream', ...options }),
  }
}
