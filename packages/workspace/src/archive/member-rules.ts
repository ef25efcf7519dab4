import { archiveInvalid } from './archive-errors.ts'
import { byteKey, type MemberType, showBytes } from './member.ts'

/** The longest path that Linux takes. */
export const MAX_PATH_BYTES = 4096
const MAX_NAME_BYTES = 255
const SLASH = 0x2f

function checkPart(part: Buffer, path: Buffer): void {
  if (part.length === 0) throw archiveInvalid(`the path "${showBytes(path)}" has an empty part`)
  if (part.length > MAX_NAME_BYTES) throw archiveInvalid(`the path "${showBytes(path)}" has a part of more than ${MAX_NAME_BYTES} bytes`)
  if (part[0] !== 0x2e) return
  if (part.length === 1) throw archiveInvalid(`the path "${showBytes(path)}" has a part "."`)
  if (part.length === 2 && part[1] === 0x2e) throw archiveInvalid(`the path "${showBytes(path)}" has a part ".."`)
}

/**
 * The one form of a member's path: `./` before it and one `/` behind a directory are taken off, all else that is not
 * plain is refused. The root is empty.
 */
export function memberPath(raw: Buffer, directory: boolean): Buffer {
  if (raw.length === 0) throw archiveInvalid('a member has no path')
  if (raw.length > MAX_PATH_BYTES) throw archiveInvalid(`a path has more than ${MAX_PATH_BYTES} bytes`)
  if (raw[0] === SLASH) throw archiveInvalid(`the path "${showBytes(raw)}" is absolute`)
  let path = raw
  if (directory && path[path.length - 1] === SLASH) path = path.subarray(0, -1)
  if (path[0] === 0x2e && (path.length === 1 || path[1] === SLASH)) path = path.subarray(2)
  if (path.length === 0) {
    if (!directory) throw archiveInvalid('its root is no directory')
    return path
  }
  for (let from = 0; from <= path.length; ) {
    const slash = path.indexOf(SLASH, from)
    const end = slash < 0 ? path.length : slash
    checkPart(path.subarray(from, end), raw)
    from = end + 1
  }
  return path
}

/** What the members so far say of the tree. Refuses what contradicts it. */
export interface TreeRules {
  /** Throws `archive.invalid` for a path that came before, or that lies below something else than a directory. */
  add(path: Buffer, type: MemberType): void
  /** Throws `archive.invalid` unless the path is that of a file which came before. */
  checkHardLink(path: Buffer): void
}

export function treeRules(): TreeRules {
  const seen = new Map<string, MemberType | 'implied'>()
  let known = ''
  return {
    add(path, type) {
      const key = byteKey(path)
      const before = seen.get(key)
      if (before !== undefined && !(before === 'implied' && type === 'directory'))
        throw archiveInvalid(`the path "${showBytes(path)}" is there twice`)
      const last = key.lastIndexOf('/')
      const parent = last < 0 ? '' : key.slice(0, last)
      // Members of one directory follow one another, so that most need no walk over their parents.
      if (parent !== known) {
        for (let end = key.indexOf('/'); end >= 0; end = key.indexOf('/', end + 1)) {
          const above = key.slice(0, end)
          const kind = seen.get(above)
          if (kind === undefined) seen.set(above, 'implied')
          else if (kind !== 'directory' && kind !== 'implied')
            throw archiveInvalid(`the path "${showBytes(path)}" lies below something that is no directory`)
        }
        known = parent
      }
      seen.set(key, type)
    },
    checkHardLink(path) {
      if (seen.get(byteKey(path)) !== 'file') throw archiveInvalid(`a hard link names "${showBytes(path)}", which is no file before it`)
    },
  }
}
