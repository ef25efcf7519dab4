import { type E2bEmulator, startE2bEmulator, whatIsMissing } from '@ringfence/emulators/e2b'
import { defineConformance } from '@ringfence/testkit'
import { e2b } from './src/index.ts'

let emulator: E2bEmulator | undefined

/** A sandbox has one file system: what the requirement looks through holds the outputs of commands, which print the value. */
/** The vendor's wire on this machine; with `--live` the vendor itself, with the key in `E2B_API_KEY`. */
export default defineConformance(async ({ live }) => {
  const policy = { minimumIsolation: 'microvm' } as const
  if (live) {
    const notRun = process.env.E2B_API_KEY ? undefined : 'the variable E2B_API_KEY is not set'
    return { subjects: [{ title: 'E2B, live', provider: () => e2b(), policy, notRun }] }
  }
  return {
    subjects: [
      {
        title: 'E2B, emulated',
        provider: () =>
          e2b({ apiKey: emulator?.apiKey, domain: 'localhost', sdk: { apiUrl: emulator?.url ?? '', sandboxUrl: emulator?.url ?? '' } }),
        policy,
        notRun: whatIsMissing(),
      },
    ],
    async start() {
      emulator = await startE2bEmulator()
    },
    async stop() {
      await emulator?.close()
    },
  }
})
