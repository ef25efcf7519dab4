import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from './errors.ts'
import type { Layout } from './layout.ts'
import { readGroups, readText } from './records.ts'

/** How a group is frozen by the two versions of control groups. */
const KINDS = [
  { control: 'freezer.state', freeze: 'FROZEN', thaw: 'THAWED', state: 'freezer.state', frozen: /^FROZEN$/m },
  { control: 'cgroup.freeze', freeze: '1', thaw: '0', state: 'cgroup.events', frozen: /^frozen 1$/m },
]

export interface Freezer {
  freeze(): void
  thaw(): void
  /** Whether all is still: it takes the kernel a moment. */
  isFrozen(): boolean
}

/** The freezer of a sandbox; `undefined` where it has none, or is gone. */
export function freezerOf(layout: Layout): Freezer | undefined {
  for (const group of readGroups(layout)) {
    const kind = KINDS.find(({ control }) => existsSync(join(group, control)))
    if (!kind) continue
    const put = (value: string): void => {
      try {
        writeFileSync(join(group, kind.control), value, { flag: 'r+' })
      } catch (error) {
        // The group goes when the sandbox does: then there is nothing to hold, or to let go.
        if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENODEV') throw error
      }
    }
    return {
      freeze: () => put(kind.freeze),
      thaw: () => put(kind.thaw),
      isFrozen: () => kind.frozen.test(readText(join(group, kind.state)) ?? ''),
    }
  }
  return undefined
}
