import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Does something once for all the test files of a run; who comes later waits for its end. */
export async function once(name: string, body: (directory: string) => Promise<void>): Promise<void> {
  const directory = runDirectory()
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = (ending: string): string => join(directory, `${name}.${ending}`)
  let first = true
  try {
    closeSync(openSync(path('claim'), 'wx'))
  } catch {
    // Somebody else does it.
    first = false
  }
  if (first) {
    try {
      await body(directory)
      writeFileSync(path('done'), '')
    } catch (error) {
      writeFileSync(path('failed'), String(error))
      throw error
    }
  }
  while (!existsSync(path('done'))) {
    if (existsSync(path('failed'))) throw new Error(readFileSync(path('failed'), 'utf8'))
    await sleep(50)
  }
}

/** Where the engine of this run lives. */
export function runDirectory(): string {
  const directory = process.env.RINGFENCE_TEST_ENGINE
  if (directory === undefined) throw new Error('providers/docker/test/stop-engine.ts is no globalSetup of vitest.config.ts')
  return directory
}
