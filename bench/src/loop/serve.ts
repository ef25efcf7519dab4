import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Bench } from '../bench.ts'

const CHILD = fileURLToPath(new URL('../child/model-server.ts', import.meta.url))

/** A model service in a process of its own, until the case ends. Gives its base URL. */
export async function serveModel(bench: Bench, turns: number): Promise<string> {
  const flags = ['--import', 'tsx', '--conditions=@ringfence/source']
  const child = spawn(process.execPath, [...flags, CHILD, String(turns)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  bench.defer(async () => {
    child.stdin.end()
    await closed
  })
  const [bytes] = await Promise.race([once(child.stdout, 'data'), closed.then(() => [''])])
  const baseURL = String(bytes).trim()
  if (baseURL === '') throw new Error('The model service ended before it could be asked')
  return baseURL
}
