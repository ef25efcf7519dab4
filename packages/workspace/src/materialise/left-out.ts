import { showBytes } from '../archive/index.ts'

/** Why something of a source was not taken. */
export type LeftOutReason = 'git-ignored' | 'link-leads-out' | 'special-file' | 'submodule'

export interface LeftOut {
  /** Where it would have gone. */
  readonly path: string
  readonly reason: LeftOutReason
}

/** Collects what is left out. */
export interface LeftOutList {
  add(path: Buffer, reason: LeftOutReason): void
  readonly items: readonly LeftOut[]
  /** So many are not in `items`. */
  readonly more: number
}

const MAX_ITEMS = 1000

export function leftOutList(): LeftOutList {
  const list = {
    items: [] as LeftOut[],
    more: 0,
    add(path: Buffer, reason: LeftOutReason): void {
      if (list.items.length < MAX_ITEMS) list.items.push({ path: showBytes(path), reason })
      else list.more++
    },
  }
  return list
}
