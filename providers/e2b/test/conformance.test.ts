import { startE2bEmulator, whatIsMissing } from '@ringfence/emulators/e2b'
import { providerSuite, runSuite } from '@ringfence/testkit'
import { describe, expect, test } from 'vitest'
import { provider } from './support.ts'

const missing = whatIsMissing()

describe.skipIf(missing !== undefined)(`e2b conformance${missing ? ` (${missing})` : ''}`, () => {
  test('the contract, on the emulator', { timeout: 600_000 }, async () => {
    const emulator = await startE2bEmulator()
    try {
      const subject = { provider: provider(emulator), policy: { minimumIsolation: 'microvm' } as const }
      const { results } = await runSuite(providerSuite, subject, { only: ['contract'], parallel: 3 })
      expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([])
      expect(emulator.ids()).toEqual([])
      expect(emulator.snapshotIds()).toEqual([])
    } finally {
      await emulator.close()
    }
  })
})
