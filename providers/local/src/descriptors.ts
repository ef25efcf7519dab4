import { fstatSync, readdirSync, readFileSync } from 'node:fs'

const CLOSE_ON_EXEC = 0o2000000

let known: readonly number[] | undefined

/**
 * Descriptors from 3 on that this process inherited and would pass on. Node closes its own at exec; those that its
 * starter left open it does not know. Looked for once a process, since none is added later.
 */
export function leakedDescriptors(): readonly number[] {
  known ??= readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => fd > 2 && isInherited(fd))
  return known
}

function isInherited(fd: number): boolean {
  try {
    fstatSync(fd)
    const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0
  } catch {
    // Closed between the listing and the look, such as the one that listed.
    return false
  }
}
