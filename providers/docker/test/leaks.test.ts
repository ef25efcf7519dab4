import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openWorkspace } from '@ringfence/workspace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../src/index.ts'
import { missing } from './engine.ts'
import { BUSYBOX, fillBusybox, make } from './images.ts'
import { openPrivateEngine, type PrivateEngine } from './private-engine.ts'
import { until } from './until.ts'

/** How many are made and destroyed one after the other; `RINGFENCE_TEST_SESSIONS=500` for the long run. */
const SESSIONS = Number(process.env.RINGFENCE_TEST_SESSIONS ?? 100)
const AT_ONCE = 64
const BATCH = 10
/** What the memory of this process may differ by, in bytes. */
const MEMORY_SLACK = 64 * 1024 ** 2

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

describe.skipIf(missing !== undefined)(`what many sessions leave${missing ? ` (${missing})` : ''}`, () => {
  let engine: PrivateEngine
  beforeAll(async () => {
    engine = await openPrivateEngine()
    await engine.start()
    await make(BUSYBOX, fillBusybox, [], engine.api)
  })
  afterAll(() => engine?.close())

  /** One session, from its begin to its end. */
  async function session(index: number): Promise<void> {
    const sandbox = docker({ image: BUSYBOX, socketPath: engine.socketPath })
    const workspace = await openWorkspace({
      sandbox,
      policy: { minimumIsolation: 'container' },
      manifest: { entries: { in: { type: 'file', content: 'in' } } },
    })
    try {
      await workspace.writeFile('out', `session ${index}`)
      expect((await workspace.exec('cat in out; sleep 600 & :')).stdout).toBe(`insession ${index}`)
      expect(await workspace.readText('out')).toBe(`session ${index}`)
    } finally {
      await workspace.destroy()
    }
  }

  /** All that could be left, as the engine, the kernel and this process tell. */
  async function left(): Promise<Record<string, unknown>> {
    const ask = async (path: string): Promise<unknown> => JSON.parse((await engine.api('GET', path)).body)
    const images = (await ask('/images/json?all=1')) as { Id: string }[]
    const { Volumes } = (await ask('/volumes')) as { Volumes: unknown[] | null }
    const networks = (await ask('/networks')) as { Name: string }[]
    return {
      containers: await ask('/containers/json?all=1'),
      volumes: Volumes ?? [],
      images: images.map(({ Id }) => Id),
      networks: networks.map(({ Name }) => Name).sort(),
      processes: processesOf(engine.directory),
      groups: groupsOf(engine.group),
      sockets: process.getActiveResourcesInfo().filter((name) => /Pipe|TCP|TLS|Socket/.test(name)).length,
    }
  }

  /** Waits until it is as it was: an engine still cleans up when it has answered. */
  async function settled(before: Record<string, unknown>): Promise<void> {
    let last: unknown
    await Promise.race([
      until(async () => {
        last = await left()
        return JSON.stringify(last) === JSON.stringify(before)
      }),
      new Promise((resolve) => setTimeout(resolve, 60_000).unref()),
    ])
    expect(last).toEqual(before)
  }

  const memory = (): number => {
    collectGarbage()
    return process.memoryUsage().rss
  }

  test(`${AT_ONCE} at once leave nothing`, { timeout: 600_000 }, async () => {
    await session(0)
    const before = await left()
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => session(index)))
    await settled(before)
  })

  test(`${SESSIONS} made and destroyed leave nothing, and no memory`, { timeout: 3_600_000 }, async () => {
    const before = await left()
    const memoryBefore = memory()
    for (let done = 0; done < SESSIONS; done += BATCH) await Promise.all(Array.from({ length: BATCH }, (_, index) => session(done + index)))
    await settled(before)
    const grown = memory() - memoryBefore
    console.log(`${SESSIONS} sessions: resident memory grew by ${Math.round(grown / 1024 ** 2)} MiB`)
    expect(grown).toBeLessThan(MEMORY_SLACK)
  })
})

/** The processes that run for containers of an engine, or in them: their shims, and what has such a parent. */
function processesOf(directory: string): readonly string[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return all.map(commandOf).filter((command) => command.includes('containerd-shim') && command.includes(directory))
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')
  } catch {
    // It has ended meanwhile.
    return ''
  }
}

/** The control groups of containers. */
function groupsOf(group: string): readonly string[] {
  const mounted = '/sys/fs/cgroup'
  return [mounted, ...readdirSync(mounted).map((one) => join(mounted, one))]
    .map((root) => join(root, group))
    .filter((path) => existsSync(path))
    .flatMap((path) => readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory()))
    .map(({ name }) => name)
}
