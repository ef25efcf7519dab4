import { isRingfenceError } from '@ringfence/core'
import { type PackMember, packMember, showBytes } from '../archive/index.ts'
import { memberPath, treeRules } from '../archive/member-rules.ts'
import { type BlobReader, readBlobs } from './git-blobs.ts'
import { git, gitFailed } from './git-run.ts'
import type { LeftOutList } from './left-out.ts'

interface TreeItem {
  readonly mode: string
  readonly name: string
  readonly path: Buffer
}

const TYPES = {
  '040000': 'directory',
  '100644': 'file',
  '100664': 'file',
  '100755': 'file',
  '120000': 'symlink',
  '160000': 'directory',
} as const
const isKnown = (mode: string): mode is keyof typeof TYPES => mode in TYPES

/** A tree is hostile data: one with `..` or `.git` in it was made to break out. */
function checkPath(path: Buffer): void {
  memberPath(path, false)
  for (const part of path.toString('latin1').split('/'))
    if (part.toLowerCase() === '.git')
      throw gitFailed(`The repository tracks "${showBytes(path)}"`, 'It is damaged or hostile. Do not use it.')
}

/** The whole tree of a commit: folders first, raw names. */
async function listTree(gitDir: string, commit: string, signal: AbortSignal | undefined): Promise<TreeItem[]> {
  const output = await git(['ls-tree', '-r', '-t', '-z', '--full-tree', commit], { gitDir, signal })
  try {
    return parseTree(output)
  } catch (error) {
    if (!isRingfenceError(error, 'archive.invalid')) throw error
    throw gitFailed(`The tree of the repository is refused: ${error.message}`, 'It is damaged or hostile. Do not use it.', error)
  }
}

function parseTree(output: Buffer): TreeItem[] {
  const items: TreeItem[] = []
  const rules = treeRules()
  for (let from = 0; from < output.length; ) {
    const end = output.indexOf(0, from)
    const tab = output.indexOf(0x09, from)
    const [mode = '', , name = ''] = output.toString('latin1', from, tab).split(' ')
    const path = output.subarray(tab + 1, end)
    if (!isKnown(mode)) throw gitFailed(`The repository holds "${showBytes(path)}" of the unknown mode "${mode}"`, 'It is damaged.')
    checkPath(path)
    rules.add(path, TYPES[mode])
    items.push({ mode, name, path })
    from = end + 1
  }
  return items
}

async function readLink(blobs: BlobReader): Promise<Buffer> {
  const { content } = await blobs.next()
  if (content instanceof Uint8Array) return Buffer.from(content)
  throw gitFailed('The repository holds a link with a target that is longer than a path can be', 'It is damaged.')
}

export interface GitTreeOptions {
  readonly gitDir: string
  readonly commit: string
  /** Where it goes; empty for the workspace itself. */
  readonly target: string
  /** Of all files and folders. */
  readonly modifiedAt: number
  readonly leftOut: LeftOutList
  readonly signal?: AbortSignal | undefined
}

/** The tracked files of a commit, as they are stored: neither filters nor attributes are applied. A submodule is an empty folder. */
export async function* gitTree({ gitDir, commit, target, modifiedAt, leftOut, signal }: GitTreeOptions): AsyncGenerator<PackMember> {
  const items = await listTree(gitDir, commit, signal)
  const named = items.filter(({ mode }) => mode.startsWith('1') && mode !== '160000').map(({ name }) => name)
  const blobs = readBlobs(gitDir, named, signal)
  const base = target === '' ? Buffer.alloc(0) : Buffer.from(`${target}/`)
  try {
    for (const { mode, path } of items) {
      const place = Buffer.concat([base, path])
      if (mode === '040000') yield packMember(place, 'directory', { mode: 0o755, modifiedAt })
      else if (mode === '160000') {
        leftOut.add(place, 'submodule')
        yield packMember(place, 'directory', { mode: 0o755, modifiedAt })
      } else if (mode === '120000') yield packMember(place, 'symlink', { mode: 0o777, modifiedAt, target: await readLink(blobs) })
      else {
        const blob = await blobs.next()
        yield packMember(place, 'file', { mode: mode === '100755' ? 0o755 : 0o644, modifiedAt, size: blob.size, content: blob.content })
      }
    }
  } finally {
    await blobs.close()
  }
}
