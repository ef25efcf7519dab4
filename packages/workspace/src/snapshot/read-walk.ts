import type { Clock } from '@ringfence/core'
import { archiveInvalid, archiveLimit } from '../archive/archive-errors.ts'
import { type ArchiveLimits, type Member, readArchive, showBytes } from '../archive/index.ts'
import type { SandboxShell } from '../shell/sandbox-shell.ts'
import type { Excludes } from './excludes.ts'
import { WALK } from './walk-script.ts'

export interface WalkOptions {
  readonly shell: SandboxShell
  readonly root: string
  readonly excludes: Excludes
  readonly clock: Clock
  readonly limits?: ArchiveLimits | undefined
  /** Ends the walk; whoever starts one aborts it when it is not read to its end. */
  readonly signal: AbortSignal
  /** A socket, FIFO or device, which no archive takes. */
  readonly onSpecial?: ((path: string) => void) | undefined
}

/** Of one name; more is no path. */
const MAX_NAME_BYTES = 8192
const MAX_SPECIALS = 100_000

/** Splits the list of special files off; the rest is the archive. */
async function* afterSpecials(chunks: AsyncIterable<Uint8Array>, onSpecial: WalkOptions['onSpecial']): AsyncGenerator<Uint8Array> {
  let head: Buffer = Buffer.alloc(0)
  let listing = true
  let count = 0
  for await (const chunk of chunks) {
    if (!listing) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    for (let end = head.indexOf(0); listing && end >= 0; end = head.indexOf(0)) {
      if (end === 0) listing = false
      else onSpecial?.(showBytes(head.subarray(2, end)))
      head = head.subarray(end + 1)
      if (++count > MAX_SPECIALS) throw archiveLimit('sockets, FIFOs and devices', MAX_SPECIALS)
    }
    if (!listing && head.length > 0) yield head
    if (listing && head.length > MAX_NAME_BYTES) throw archiveInvalid('a name before it has no end')
  }
  if (listing) throw archiveInvalid('it is cut before its begin')
}

/** The tree of a sandbox as checked members, without its root and what is left out. What the sandbox says is not trusted. */
export async function* readWalk({ shell, root, excludes, clock, limits, signal, onSpecial }: WalkOptions): AsyncGenerator<Member> {
  const chunks = afterSpecials(shell.stream(WALK, [root, ...excludes.patterns], { signal }), onSpecial)
  for await (const member of readArchive(chunks, { clock, limits, signal, concatenated: true }))
    if (member.path.length > 0 && !excludes.has(member.path)) yield member
}
