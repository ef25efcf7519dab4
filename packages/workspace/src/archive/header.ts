import { archiveInvalid } from './archive-errors.ts'

export const BLOCK = 512

/** The fields of a header block, still raw. */
export interface RawHeader {
  readonly name: Buffer
  readonly mode: number
  readonly size: number
  readonly modifiedAt: number
  readonly flag: string
  readonly link: Buffer
}

export function isZeroBlock(block: Buffer): boolean {
  for (let at = 0; at < BLOCK; at += 8) if (block.readUInt32LE(at) !== 0 || block.readUInt32LE(at + 4) !== 0) return false
  return true
}

function text(block: Buffer, from: number, length: number, what: string): Buffer {
  const field = block.subarray(from, from + length)
  const end = field.indexOf(0)
  if (end < 0) return field
  for (let at = end; at < length; at++) if (field[at] !== 0) throw archiveInvalid(`its ${what} goes on behind a NUL`)
  return field.subarray(0, end)
}

/** Octal digits with blanks around them, as all writers make them, or a positive binary number. */
function numeric(block: Buffer, from: number, length: number, what: string): number {
  const first = block[from] ?? 0
  if (first === 0x80) {
    let value = 0
    for (let at = from + 1; at < from + length; at++) {
      value = value * 256 + (block[at] ?? 0)
      if (value > Number.MAX_SAFE_INTEGER) throw archiveInvalid(`its ${what} is too large`)
    }
    return value
  }
  const digits = /^ *([0-7]*)[ \0]*$/.exec(block.toString('latin1', from, from + length))?.[1]
  if (digits === undefined) throw archiveInvalid(`its ${what} is no number`)
  const value = digits === '' ? 0 : Number.parseInt(digits, 8)
  if (value > Number.MAX_SAFE_INTEGER) throw archiveInvalid(`its ${what} is too large`)
  return value
}

function checkSum(block: Buffer): void {
  let sum = 0
  for (let at = 0; at < BLOCK; at++) sum += at >= 148 && at < 156 ? 32 : (block[at] ?? 0)
  if (numeric(block, 148, 8, 'checksum') !== sum) throw archiveInvalid('the checksum of a header does not match')
}

/** Takes a header block apart. Owners are not looked at: what is unpacked belongs to who unpacks it. */
export function parseHeader(block: Buffer): RawHeader {
  checkSum(block)
  const magic = block.toString('latin1', 257, 265)
  if (magic !== 'ustar\u000000' && magic !== 'ustar  \0') throw archiveInvalid('a header is neither of the POSIX nor of the GNU format')
  const name = text(block, 0, 100, 'name')
  const prefix = magic === 'ustar\u000000' ? text(block, 345, 155, 'prefix') : name.subarray(0, 0)
  // Only a time may be before 1970; such files become as old as that.
  const ancient = ((block[136] ?? 0) & 0x80) !== 0 && block[136] !== 0x80
  return {
    name: prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), name]) : name,
    mode: numeric(block, 100, 8, 'mode') & 0o7777,
    size: numeric(block, 124, 12, 'size'),
    modifiedAt: ancient ? 0 : numeric(block, 136, 12, 'time'),
    flag: block.toString('latin1', 156, 157),
    link: text(block, 157, 100, 'link'),
  }
}
