const escaped = (byte: number): string => {
  if (byte === 0x25) return '%%'
  if (byte === 0x5c) return '\\\\'
  if (byte === 0x0a || (byte >= 0x20 && byte < 0x7f)) return String.fromCharCode(byte)
  return `\\${byte.toString(8).padStart(3, '0')}`
}
const ESCAPED = Array.from({ length: 256 }, (_, byte) => escaped(byte))

/** Bytes as a format of `printf`, which dash, bash and busybox print as they were, NULs included. Not quoted. */
export function printfFormat(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += ESCAPED[byte]
  // A format that begins with "-" would be taken for an option.
  return text.startsWith('-') ? `\\055${text.slice(1)}` : text
}
