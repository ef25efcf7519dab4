import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setup, teardown } from '../../../providers/docker/test/stop-engine.ts'
import type { EngineAnswer } from '../engine/serve-engine.ts'

// It says where the engine is to be, which what comes next reads when it is imported.
setup()
const { api, missing, socketPath, startEngine } = await import('../../../providers/docker/test/engine.ts')
const { DEBIAN, makeImages } = await import('../../../providers/docker/test/images.ts')

/** The peer drives this program. */
const hasClient = (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'docker')))

/** Removes every container, and tells how many there were. */
async function removeAll(): Promise<number> {
  const listed: readonly { Id: string }[] = JSON.parse((await api('GET', '/containers/json?all=1')).body)
  await Promise.all(listed.map(({ Id }) => api('DELETE', `/containers/${Id}?force=1&v=1`)))
  return listed.length
}

async function begin(): Promise<EngineAnswer> {
  if (missing !== undefined) return { missing }
  if (!hasClient) return { missing: 'apt-get install docker.io (the peer needs the docker program)' }
  try {
    await startEngine()
    // Its images stay from run to run; so would containers of a run that was cut off.
    await removeAll()
    await makeImages()
    return { socketPath, image: DEBIAN }
  } catch (error) {
    return { missing: `it did not start: ${error instanceof Error ? error.message : String(error)}` }
  }
}

// Whoever started it closes its standard input at the end, or is gone: then the engine goes too.
const closed = once(process.stdin.resume(), 'close')
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => process.stdin.destroy())
const begun = begin()
begun.then((answer) => console.log(JSON.stringify(answer)))
await closed
const left = existsSync(socketPath) ? await removeAll().catch(() => 0) : 0
if (left > 0) console.error(`${left} containers were left at the end and have been removed`)
await teardown()
await begun
process.exit(0)
