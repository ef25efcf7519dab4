import { MINIMUM_SECRET_BYTES, RingfenceError } from '@ringfence/core'
import { encodingsOf } from './encodings.ts'
import { matcher, type Pattern } from './matcher.ts'
import { PASSING, type StreamRedactor, streamRedactor } from './stream-redactor.ts'

export interface NamedSecret {
  readonly name: string
  readonly value: string
}

/**
 * Replaces known values by `[secret NAME]`: as they are, in base64 (each alignment, both alphabets), in hex, URL-encoded and
 * escaped for JSON. It claims nothing more: a value that is encoded otherwise, split by other text or wrapped over lines passes.
 */
export interface Redactor {
  text(text: string): string
  bytes(bytes: Uint8Array): Uint8Array
  /** Every string of a JSON value, keys too. The same value when there is nothing to replace. */
  json<T>(value: T): T
  /** For one stream. It holds back at most one byte less than the longest form has, and only what may be the begin of one. */
  stream(): StreamRedactor
}

const NOTHING_TO_DO: Redactor = { text: (text) => text, bytes: (bytes) => bytes, json: (value) => value, stream: () => PASSING }

function patternsOf(secrets: readonly NamedSecret[]): Pattern[] {
  const patterns = new Map<string, Pattern>()
  for (const { name, value } of secrets) {
    if (Buffer.byteLength(value) < MINIMUM_SECRET_BYTES)
      throw new RingfenceError('config.invalid', `The secret "${name}" is shorter than ${MINIMUM_SECRET_BYTES} bytes`, {
        hint: 'A value this short cannot be kept out of output. Use a longer one.',
        effect: 'none',
      })
    const mark = Buffer.from(`[secret ${name}]`)
    for (const form of encodingsOf(value)) if (!patterns.has(form)) patterns.set(form, { bytes: Buffer.from(form), mark })
  }
  return [...patterns.values()]
}

/** A copy with other strings, or the value itself when none of its strings changes. */
function mapStrings(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const mapped = value.map((item) => mapStrings(item, map))
    return mapped.some((item, index) => item !== value[index]) ? mapped : value
  }
  let changed = false
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => {
    const entry: [string, unknown] = [map(key), mapStrings(item, map)]
    changed ||= entry[0] !== key || entry[1] !== item
    return entry
  })
  return changed ? Object.fromEntries(entries) : value
}

/**
 * Makes a redactor. Without secrets it costs nothing.
 *
 * @throws `config.invalid` for a value under 8 bytes.
 */
export function redactor(secrets: readonly NamedSecret[]): Redactor {
  if (secrets.length === 0) return NOTHING_TO_DO
  const known = matcher(patternsOf(secrets))

  const bytes = (given: Uint8Array): Uint8Array => {
    const view = Buffer.from(given.buffer, given.byteOffset, given.byteLength)
    if (known.next(view, 0) === view.length) return given
    return streamRedactor(known)(view, true)
  }
  const text = (given: string): string => {
    const encoded = Buffer.from(given)
    const redacted = bytes(encoded)
    return redacted === encoded ? given : Buffer.from(redacted).toString('utf8')
  }
  return {
    bytes,
    text,
    // Only strings are exchanged for strings, so that the form stays.
    json: <T>(value: T): T => mapStrings(value, text) as T,
    stream: () => streamRedactor(known),
  }
}
