import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Of vitest, once a run: says where the engine of the run is to be, should a test want one, and stops it at the end. A
 * fresh clone is not built when this is loaded, so it imports no package of the repository.
 */
export function setup(): void {
  process.env.RINGFENCE_TEST_ENGINE = join(tmpdir(), `ringfence-engine-${process.pid}`)
}

export async function teardown(): Promise<void> {
  const directory = process.env.RINGFENCE_TEST_ENGINE
  if (directory === undefined || !existsSync(directory)) return
  const pidFile = join(directory, 'pid')
  if (existsSync(pidFile)) await stop(Number(readFileSync(pidFile, 'utf8')))
  await rm(directory, { recursive: true, force: true })
}

/** Ends the engine in its namespace; what does not end by itself goes with the namespace. */
async function stop(namespace: number): Promise<void> {
  const engine = Number(readFileSync(`/proc/${namespace}/task/${namespace}/children`, 'utf8').split(' ')[0])
  if (engine > 0) process.kill(engine, 'SIGTERM')
  for (let tries = 0; tries < 300 && existsSync(`/proc/${namespace}`) && !isZombie(namespace); tries += 1) await sleep(100)
  if (existsSync(`/proc/${namespace}`)) process.kill(namespace, 'SIGKILL')
}

function isZombie(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    // It has ended meanwhile.
    return true
  }
}
