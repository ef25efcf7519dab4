import { providerSuite, runSuite } from '@ringfence/testkit'
import { beforeAll, describe, expect, test } from 'vitest'
import { type DockerOptions, docker } from '../src/index.ts'
import { missing, socketPath, startEngine } from './engine.ts'
import { BUSYBOX, DEBIAN, makeImages } from './images.ts'

/** The whole suite on these and more: `npm run conformance -- providers/docker`. */
const SUBJECTS: readonly (readonly [string, DockerOptions])[] = [
  ['busybox', { image: BUSYBOX }],
  ['Debian, root', { image: DEBIAN, user: 'root' }],
  ['Debian, read-only root', { image: DEBIAN, readOnlyRoot: true }],
]

describe.skipIf(missing !== undefined)(`docker conformance${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    await startEngine()
    await makeImages()
  })

  test.each(SUBJECTS)('the contract, with %s', { timeout: 600_000 }, async (_, options) => {
    const provider = docker({ socketPath, ...options })
    const subject = { provider, policy: { minimumIsolation: 'container' } } as const
    const { results } = await runSuite(providerSuite, subject, { only: ['contract'], parallel: 4 })
    expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  })
})
