import { providerSuite, runSuite } from '@ringfence/testkit'
import { beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../src/index.ts'
import { missing, socketPath, startEngine } from './engine.ts'
import { BUSYBOX, DEBIAN, makeImages } from './images.ts'

describe.skipIf(missing !== undefined)(`docker conformance${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    await startEngine()
    await makeImages()
  })
  const policy = { minimumIsolation: 'container' } as const

  test('the contract, with busybox', { timeout: 600_000 }, async () => {
    const provider = docker({ image: BUSYBOX, socketPath })
    const { results } = await runSuite(providerSuite, { provider, policy }, { only: ['contract'], parallel: 3 })
    expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  })

  test('the contract, with Debian, below a read-only root', { timeout: 600_000 }, async () => {
    const provider = docker({ image: DEBIAN, socketPath, readOnlyRoot: true })
    const { results } = await runSuite(providerSuite, { provider, policy }, { only: ['contract'], parallel: 3 })
    expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  })
})
