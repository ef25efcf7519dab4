import { readFile, readlink } from 'node:fs/promises'
import { type RuntimeContext, randomId, sha256 } from '@ringfence/core'
import type { FileSystem } from './file-system.ts'
import { systemCode } from './store-errors.ts'

/** Age from which a file counts as left over when nobody can tell whether its process lives: of another machine, say. */
const ABANDONED_MS = 24 * 60 * 60 * 1000

const UNIQUE = /^([0-9a-f]{12})-(\d+)-(\d+)-(u_[0-9a-z]+)$/

/** What names the processes of one machine, one boot and one process namespace; a zero where there is no `/proc`. */
async function machineTag(): Promise<string> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    return sha256(`${boot}${await readlink('/proc/self/ns/pid')}`).slice(0, 12)
  } catch {
    // No `/proc` here: leftovers are known by their age alone.
    return '0'.repeat(12)
  }
}

/** The start of a process in clock ticks since boot: with it, a process id is not mistaken for a later one. */
async function startOf(pid: number | 'self'): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ESRCH') return undefined
    throw error
  }
}

/** Gives names to files that this process writes, and tells which files a dead process has left. */
export interface Leftovers {
  /** A name that no other process and no other call gives. */
  unique(): Promise<string>
  /** What became of the process that gave a name. `unknown` for names of another machine, and those that are none. */
  writerOf(name: string): Promise<'alive' | 'dead' | 'unknown'>
  /** Removes from a directory what dead processes have left, and what nobody has changed for a day. */
  sweep(directory: string): Promise<void>
}

export function makeLeftovers(files: FileSystem, runtime: RuntimeContext): Leftovers {
  let identity: Promise<{ machine: string; start: string | undefined }> | undefined
  const self = (): Promise<{ machine: string; start: string | undefined }> => {
    identity ??= Promise.all([machineTag(), startOf('self')]).then(([machine, start]) => ({ machine, start }))
    return identity
  }
  const unique = async (): Promise<string> => {
    const { machine, start } = await self()
    return `${machine}-${process.pid}-${start ?? '0'}-${randomId(runtime.random, 'u')}`
  }
  const writerOf: Leftovers['writerOf'] = async (name) => {
    const [, machine, pid, start] = UNIQUE.exec(name) ?? []
    const mine = await self()
    if (machine !== mine.machine || mine.start === undefined) return 'unknown'
    return (await startOf(Number(pid))) === start ? 'alive' : 'dead'
  }
  const isOld = async (path: string): Promise<boolean> => {
    try {
      return runtime.clock.now() - (await files.stat(path)).modifiedAt > ABANDONED_MS
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false
      throw error
    }
  }
  return {
    unique,
    writerOf,
    async sweep(directory) {
      for (const name of await files.names(directory)) {
        if (!UNIQUE.test(name)) continue
        const writer = await writerOf(name)
        if (writer === 'alive' || (writer === 'unknown' && !(await isOld(`${directory}/${name}`)))) continue
        // Renamed first: should its writer be alive all the same, it finds all of it gone, never a part.
        const doomed = `${directory}/${await unique()}`
        try {
          await files.rename(`${directory}/${name}`, doomed)
        } catch (error) {
          if (systemCode(error) === 'ENOENT') continue
          throw error
        }
        await files.remove(doomed)
      }
    },
  }
}
