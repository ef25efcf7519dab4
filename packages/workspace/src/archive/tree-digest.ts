import { createHash } from 'node:crypto'
import { archiveInvalid } from './archive-errors.ts'
import { byteKey, type Member, type PackMember, showBytes } from './member.ts'

/** One thing of a tree, as its digest sees it. */
export interface TreeEntry {
  /** Raw bytes, one character each. */
  readonly path: string
  readonly type: 'file' | 'directory' | 'symlink'
  /** The nine permission bits; 0 for a link, which has none of its own. */
  readonly mode: number
  readonly size: number
  /** Of the content, in hex; empty for what is no file. */
  readonly sha256: string
  /** Of a link: raw bytes, one character each. */
  readonly target: string
}

/** What a tree holds: its digest, and what the digest is made of. */
export interface TreeDigest {
  /** SHA-256 in hex. */
  readonly digest: string
  /** In the order of their raw paths. */
  readonly entries: readonly TreeEntry[]
}

const LETTERS = { file: 'f', directory: 'd', symlink: 'l' } as const
const EMPTY = createHash('sha256').digest('hex')
const byPath = (a: TreeEntry, b: TreeEntry): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)

/**
 * The digest of a tree, in its first and only format. It is the SHA-256 of the line `ringfence-tree-1\n` and, for each entry in the order of raw path bytes:
 *
 * `f|d|l SP mode(octal) SP size SP sha256-or-"-" SP path-length SP path SP target-length SP target LF`
 *
 * Lengths are of bytes, so that no name can imitate another entry. The mode is the nine permission bits, `0` for a link. A
 * hard link is the file that it names. Owners, times, set-id and sticky bits are no part of it, the root neither.
 */
export function treeDigestOf(entries: readonly TreeEntry[]): TreeDigest {
  const sorted = entries.toSorted(byPath)
  const hash = createHash('sha256').update('ringfence-tree-1\n')
  for (const { type, mode, size, sha256, path, target } of sorted) {
    const head = `${LETTERS[type]} ${mode.toString(8)} ${size} ${sha256 || '-'}`
    hash.update(Buffer.from(`${head} ${path.length} ${path} ${target.length} ${target}\n`, 'latin1'))
  }
  return { digest: hash.digest('hex'), entries: sorted }
}

/** Takes the digest of a tree while its members pass. */
export interface TreeBuilder {
  /** The member to pass on. Its content is hashed as it is read, and has to be read to its end. */
  observe(member: Member): PackMember
  /** Reads a member and keeps nothing but its digest. */
  absorb(member: Member): Promise<void>
  /** After the last member was read. */
  finish(): TreeDigest
}

export function treeBuilder(): TreeBuilder {
  const entries = new Map<string, TreeEntry>()

  const addFile = (path: string, mode: number, size: number, sha256: string): void => {
    entries.set(path, { path, type: 'file', mode, size, sha256, target: '' })
  }

  async function* hashing(member: Member, path: string, mode: number): AsyncGenerator<Uint8Array> {
    const hash = createHash('sha256')
    for await (const piece of member.content) {
      hash.update(piece)
      yield piece
    }
    addFile(path, mode, member.size, hash.digest('hex'))
  }

  const observe = (member: Member): PackMember => {
    const path = byteKey(member.path)
    const mode = member.mode & 0o777
    switch (member.type) {
      case 'file':
        // An empty content may never be asked for.
        if (member.size === 0) addFile(path, mode, 0, EMPTY)
        return { ...member, mode, content: hashing(member, path, mode) }
      case 'directory':
        entries.set(path, { path, type: 'directory', mode, size: 0, sha256: '', target: '' })
        return { ...member, mode, content: undefined }
      case 'symlink':
        entries.set(path, { path, type: 'symlink', mode: 0, size: 0, sha256: '', target: byteKey(member.target) })
        return { ...member, mode: 0o777, content: undefined }
      case 'hardlink': {
        const named = entries.get(byteKey(member.target))
        if (named?.type !== 'file') throw archiveInvalid(`a hard link names "${showBytes(member.target)}", which was left out`)
        entries.set(path, { ...named, path })
        return { ...member, mode: named.mode, content: undefined }
      }
    }
  }

  return {
    observe,
    async absorb(member) {
      const { content } = observe(member)
      if (content && !(content instanceof Uint8Array)) for await (const _ of content);
    },
    finish: () => treeDigestOf([...entries.values()]),
  }
}
