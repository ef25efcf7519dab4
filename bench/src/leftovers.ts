import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from './bench.ts'
import type { RawEngine } from './engine/raw-engine.ts'

/** How long what ends by itself may take, in milliseconds. */
const SETTLED_MS = 10_000
const PAUSE_MS = 50

/** Names of what there is. */
type Things = ReadonlySet<string>

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    // The process has ended meanwhile.
    return ''
  }
}

/** Sockets, pipes and files of this process. */
function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`descriptor ${readlinkSync(`/proc/self/fd/${fd}`)}`]
    } catch {
      // That of the look itself.
      return []
    }
  })
}

/** Processes that come from this one, or that have the folder of the case in their view: those have another parent when it has died. */
function processes(folder: string): string[] {
  const parents = new Map<string, string>()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const [, parent] = /\) \S (\d+) /.exec(read(`/proc/${pid}/stat`)) ?? []
    if (parent !== undefined) parents.set(pid, parent)
  }
  const isOurs = (pid: string | undefined): boolean => pid !== undefined && (pid === String(process.pid) || isOurs(parents.get(pid)))
  return [...parents.keys()]
    .filter((pid) => isOurs(pid) || read(`/proc/${pid}/mountinfo`).includes(folder))
    .map((pid) => `process ${pid} ${read(`/proc/${pid}/comm`).trim()}`)
}

async function things({ folder }: Bench, engine: RawEngine | undefined): Promise<Things> {
  const inEngine = engine ? [...(await engine.containers()), ...(await engine.volumes())] : []
  return new Set([...descriptors(), ...processes(folder), ...inEngine])
}

/**
 * Does something, and tells what was not there before and does not go away: descriptors and processes of this process, containers and
 * volumes of the engine.
 */
export async function leftBy(bench: Bench, engine: RawEngine | undefined, work: () => Promise<void>): Promise<readonly string[]> {
  const before = await things(bench, engine)
  await work()
  const since = performance.now()
  for (;;) {
    const left = [...(await things(bench, engine))].filter((thing) => !before.has(thing))
    if (left.length === 0 || performance.now() - since > SETTLED_MS) return left
    await sleep(PAUSE_MS)
  }
}
