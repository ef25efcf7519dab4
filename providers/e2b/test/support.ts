import { randomId, type Sandbox, systemRuntime } from '@ringfence/core'
import type { E2bEmulator } from '@ringfence/emulators/e2b'
import { type E2bOptions, e2b } from '../src/index.ts'

/** The provider on an emulator. */
export function provider({ apiKey, url }: E2bEmulator, { sdk, ...options }: E2bOptions = {}): ReturnType<typeof e2b> {
  return e2b({ apiKey, domain: 'localhost', ...options, sdk: { apiUrl: url, sandboxUrl: url, ...sdk } })
}

export const newRequest = () => ({
  ref: { installation: 'test', runId: randomId(systemRuntime.random, 'run'), intentId: randomId(systemRuntime.random, 'sbx') },
  isolation: 'microvm' as const,
  egress: 'none' as const,
  limits: {},
  lifetimeMs: 120_000,
})

/** What a shell text prints, and its code. */
export async function sh(
  sandbox: Sandbox,
  script: string,
  input?: string,
): Promise<{ readonly out: string; readonly code: number | null }> {
  const process = await sandbox.spawn(['sh', '-c', script], { stdin: input !== undefined })
  // What it was not told it waits for: then nobody reads it to its end.
  const writing = process.stdin
    ?.write(Buffer.from(input ?? ''))
    .then(() => process.stdin?.end())
    .catch(async (error: unknown) => {
      await process.detach()
      throw error
    })
  writing?.catch(() => undefined)
  const chunks: Uint8Array[] = []
  for await (const { bytes } of process.output) chunks.push(bytes)
  await writing
  const { code } = await process.exit
  return { out: Buffer.concat(chunks).toString(), code }
}
