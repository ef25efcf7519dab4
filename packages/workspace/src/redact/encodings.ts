/** The forms in which a value is looked for. Each is found wherever it stands in a text. */
export function encodingsOf(value: string): Set<string> {
  const bytes = Buffer.from(value)
  const forms = new Set([
    value,
    ...base64Forms(bytes),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...urlForms(bytes),
    ...jsonForms(value),
  ])
  // What a terminal makes of newlines.
  if (value.includes('\n')) forms.add(value.replace(/\r?\n/g, '\r\n'))
  return forms
}

/**
 * The characters of base64 that a value alone decides, for each of the three places at which it can begin in a group; and those
 * that follow when nothing comes behind it, with and without padding.
 */
function* base64Forms(bytes: Buffer): Generator<string> {
  for (const before of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const first = Math.ceil((before * 8) / 6)
    const certain = Math.floor(((before + bytes.length) * 8) / 6)
    const unpadded = encoded.replace(/=+$/, '')
    for (const form of [encoded.slice(first, certain), unpadded.slice(first), encoded.slice(first)]) {
      yield form
      yield form.replaceAll('+', '-').replaceAll('/', '_')
    }
  }
}

/** Bytes that usual encoders leave as they are: all, those of RFC 3986, of Python's `quote`, of JavaScript's two. */
const UNRESERVED = /[A-Za-z0-9._~-]/
const KEPT: readonly RegExp[] = [
  UNRESERVED,
  /[A-Za-z0-9._~/-]/,
  /[A-Za-z0-9._~!'()*-]/,
  /[A-Za-z0-9._~!'()*;,/?:@&=+$#-]/,
  /[A-Za-z0-9._*-]/,
]

function* urlForms(bytes: Buffer): Generator<string> {
  for (const kept of KEPT)
    for (const upper of [true, false])
      for (const space of ['%20', '+']) {
        let form = ''
        for (const byte of bytes) {
          const character = String.fromCharCode(byte)
          const hex = byte.toString(16).padStart(2, '0')
          form += kept.test(character) ? character : character === ' ' ? space : `%${upper ? hex.toUpperCase() : hex}`
        }
        yield form
      }
}

const escapeUnicode = (text: string): string =>
  text.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** As the inside of a JSON string, and of one within another. */
function* jsonForms(value: string): Generator<string> {
  const quoted = (text: string): string => JSON.stringify(text).slice(1, -1)
  for (const once of [quoted(value), escapeUnicode(quoted(value))]) {
    yield once
    yield once.replaceAll('/', '\\/')
    yield quoted(once)
  }
}
