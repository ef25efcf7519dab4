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
      // Pausing costs the emulator many processes: `npm run conformance -- providers/e2b` has it, with the whole suite.
      const isRun = ({ id }: { readonly id: string }): boolean => id.startsWith('contract.') && !id.startsWith('contract.suspend.')
      const suite = { ...providerSuite, requirements: providerSuite.requirements.filter(isRun) }
      const { results } = await runSuite(suite, subject, { parallel: 2 })
      expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([])
      expect(emulator.ids()).toEqual([])
      expect(emulator.snapshotIds()).toEqual([])
    } finally {
      await emulator.close()
    }
  })
})
