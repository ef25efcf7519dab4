import { archiveInvalid } from './archive-errors.ts'

/** What extended headers say of the member that follows them. */
export interface Extended {
  path?: Buffer
  link?: Buffer
  size?: number
  modifiedAt?: number
}

/** The content of a GNU long name: it ends with one NUL and holds no other. */
function parseLongName(content: Buffer): Buffer {
  const name = content[content.length - 1] === 0 ? content.subarray(0, -1) : content
  if (name.length === 0 || name.includes(0)) throw archiveInvalid('a long name is empty, or holds a NUL')
  return name
}

function set<K extends keyof Extended>(into: Extended, key: K, value: NonNullable<Extended[K]>): void {
  if (into[key] !== undefined) throw archiveInvalid(`a member has two values of "${key}"`)
  into[key] = value
}

function decimal(value: Buffer, what: string): number {
  const digits = /^(-?\d{1,16})(\.\d*)?$/.exec(value.toString('latin1'))
  if (!digits) throw archiveInvalid(`its ${what} is no number`)
  const number = Number(digits[1])
  if (what === 'size' && (digits[2] !== undefined || number < 0)) throw archiveInvalid('its size is no number')
  if (number > Number.MAX_SAFE_INTEGER) throw archiveInvalid(`its ${what} is too large`)
  return Math.max(0, number)
}

function setRecord(into: Extended, key: string, value: Buffer): void {
  switch (key) {
    case 'path':
    case 'linkpath':
      if (value.length === 0 || value.includes(0)) throw archiveInvalid('a name is empty, or holds a NUL')
      return set(into, key === 'path' ? 'path' : 'link', value)
    case 'size':
      return set(into, 'size', decimal(value, 'size'))
    case 'mtime':
      return set(into, 'modifiedAt', decimal(value, 'time'))
    default:
      if (key.startsWith('GNU.sparse.')) throw archiveInvalid('it holds a sparse file')
  }
}

/** The records of a POSIX extended header: `LENGTH KEY=VALUE\n`, each with its exact length. */
export function parseRecords(content: Buffer, into: Extended): void {
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at)
    const digits = space > at && space - at <= 7 ? content.toString('latin1', at, space) : ''
    const end = /^[1-9]\d*$/.test(digits) ? at + Number(digits) : 0
    const equals = content.indexOf(0x3d, space)
    if (end <= space || end > content.length || content[end - 1] !== 0x0a || equals < 0 || equals >= end || equals === space + 1)
      throw archiveInvalid('an extended header is malformed')
    setRecord(into, content.toString('latin1', space + 1, equals), content.subarray(equals + 1, end - 1))
    at = end
  }
}

/** Sets a name that a GNU header brought. */
export function setLongName(into: Extended, flag: 'L' | 'K', content: Buffer): void {
  set(into, flag === 'L' ? 'path' : 'link', parseLongName(content))
}
