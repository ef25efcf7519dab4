import type { FileStat, FileType, ListEntry } from '@ringfence/core'

/** The bits of `S_IFMT`. */
const TYPE_MASK = 0o170000
const TYPES: ReadonlyMap<number, FileType> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
])
const SLASH = 0x2f
const NEWLINE = 0x0a

function statOf(fields: string): FileStat | undefined {
  const match = /^([0-9a-f]{1,8}) (\d{1,16}) (-?\d{1,12}) \.$/.exec(fields)
  if (!match) return undefined
  const raw = Number.parseInt(match[1] ?? '', 16)
  const type = TYPES.get(raw & TYPE_MASK) ?? 'other'
  return { type, size: type === 'file' ? Number(match[2]) : 0, mode: raw & 0o7777, modifiedAt: Number(match[3]) * 1000 }
}

/**
 * Takes what `stat -c '%f %s %Y %n'` printed of `./name`s. A name may hold anything but `/`, newlines too, and a record begins
 * with fields that hold none: so the last newline before the next `/` ends a name.
 *
 * @returns `undefined` when it is not of that form.
 */
export function parseStats(output: Uint8Array): ListEntry[] | undefined {
  const bytes = Buffer.from(output.buffer, output.byteOffset, output.byteLength)
  const entries: ListEntry[] = []
  let slash = bytes.indexOf(SLASH)
  let from = 0
  while (slash >= 0) {
    const stat = statOf(bytes.toString('latin1', from, slash))
    const next = bytes.indexOf(SLASH, slash + 1)
    const end = bytes.lastIndexOf(NEWLINE, (next < 0 ? bytes.length : next) - 1)
    if (!stat || end <= slash) return undefined
    entries.push({ name: bytes.toString('utf8', slash + 1, end), ...stat })
    from = end + 1
    slash = next
  }
  return from === bytes.length ? entries : undefined
}
