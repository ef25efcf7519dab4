/** The kinds of members that are understood. A hard link always names a file that came before it. */
export type MemberType = 'file' | 'directory' | 'symlink' | 'hardlink'

/** What the header of a member says, checked. */
export interface MemberHeader {
  /** Raw bytes: parts joined by `/`, without `.` and a trailing `/`. Empty for the root of the tree. */
  readonly path: Buffer
  readonly type: MemberType
  /** Permission bits, with the set-id and sticky bits. */
  readonly mode: number
  /** Seconds since 1970, whole. */
  readonly modifiedAt: number
  /** Bytes of content; 0 for what is no file. */
  readonly size: number
  /** Where a link leads: raw bytes, data and never followed. A hard link has a checked path. Empty otherwise. */
  readonly target: Buffer
}

/** A member that is read. */
export interface Member extends MemberHeader {
  /** The bytes, once, before the next member is asked for. What is not read is skipped. */
  readonly content: AsyncIterable<Uint8Array>
}

/** A member that is written. `content` has exactly `size` bytes. */
export interface PackMember extends MemberHeader {
  readonly content?: Uint8Array | AsyncIterable<Uint8Array> | undefined
}

/** The parts of {@link MemberHeader} that have a common value. */
export function packMember(path: string | Buffer, type: MemberType, rest: Partial<Omit<PackMember, 'path' | 'type'>>): PackMember {
  const bytes = typeof path === 'string' ? Buffer.from(path) : path
  return { mode: 0o644, modifiedAt: 0, size: 0, target: NOTHING, ...rest, path: bytes, type }
}

const NOTHING = Buffer.alloc(0)

/** A string with one character per byte, so that raw paths can be keys and are ordered as bytes are. */
export function byteKey(bytes: Buffer): string {
  return bytes.toString('latin1')
}

/** Raw bytes for a message: UTF-8 where it is, escapes where it is not, at most 200 characters. */
export function showBytes(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  const shown = JSON.stringify(Buffer.from(text).equals(bytes) ? text : bytes.toString('latin1')).slice(1, -1)
  return shown.length > 200 ? `${shown.slice(0, 200)}...` : shown
}
