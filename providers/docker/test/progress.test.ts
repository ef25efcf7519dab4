import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CreateProgress, type CreateRequest, type Sandbox, systemRandom, systemRuntime } from '@ringfence/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../src/index.ts'
import { missing } from './engine.ts'
import { fillBusybox } from './images.ts'
import { openPrivateEngine, type PrivateEngine } from './private-engine.ts'
import { openRegistry, type Registry } from './registry.ts'
import { errorOf, requestFor, sh, until } from './support.ts'

const LAYER_BYTES = 6 * 1024 * 1024

/** An archive of a folder that `fill` has filled. */
function layer(fill: (root: string) => void): Buffer {
  const root = mkdtempSync(join(tmpdir(), 'ringfence-layer-'))
  try {
    fill(root)
    return execFileSync('tar', ['-C', root, '--numeric-owner', '-c', '.'], { maxBuffer: 64 * 1024 * 1024 })
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

describe.skipIf(missing !== undefined)(`docker pulls${missing ? ` (${missing})` : ''}`, () => {
  let engine: PrivateEngine
  let registry: Registry
  beforeAll(async () => {
    engine = await openPrivateEngine()
    await engine.start()
    const random = ['one', 'two'].map((name) => layer((root) => writeFileSync(join(root, name), systemRandom.bytes(LAYER_BYTES))))
    registry = await openRegistry(engine, [layer(fillBusybox), ...random])
  })
  afterAll(async () => {
    await registry?.close()
    await engine?.close()
  })

  test('several creators share one pull: each hears how far it is, and none stands in the way of the others', {
    timeout: 240_000,
  }, async () => {
    const provider = docker({ image: registry.image, socketPath: engine.socketPath })
    const create = (over: Partial<CreateRequest>): Promise<Sandbox> => provider.create(requestFor(over), systemRuntime)
    const told: CreateProgress[] = []
    const alsoTold: CreateProgress[] = []
    const abort = new AbortController()
    const reason = new Error('no longer')
    const own = new Error('of the listener')
    const first = create({ onProgress: (progress) => void told.push(progress) })
    const second = create({ onProgress: (progress) => void alsoTold.push(progress) })
    const aborted = create({ signal: abort.signal }).catch((error) => error)
    const throwing = create({
      onProgress: () => {
        throw own
      },
    }).catch((error) => error)
    await Promise.race([until(() => told.length > 0), first])
    abort.abort(reason)
    expect([await aborted, await throwing]).toEqual([reason, own])
    registry.letGo()
    const made = await Promise.all([first, second])
    expect(await Promise.all(made.map((one) => sh(one, 'wc -c </one; wc -c </two')))).toEqual(
      made.map(() => `${LAYER_BYTES}\n${LAYER_BYTES}\n`),
    )
    await Promise.all(made.map((one) => one.destroy()))
    expect(registry.asked()).toEqual([1, 1, 1])
    const fractions = told.map(({ fraction = -1 }) => fraction)
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b))
    expect([fractions[0] ?? -1, fractions.at(-1)]).toEqual([expect.closeTo(0, 0), 1])
    // At most one for each part of a hundred.
    expect(fractions.length).toBeLessThanOrEqual(101)
    for (const { stage, message } of told)
      expect([stage, message]).toEqual(['pulling', expect.stringMatching(/^[0-9a-f]{12}: [A-Z][a-z ]+/)])
    expect(alsoTold.at(-1)).toEqual(told.at(-1))
  })

  test('an image that is there is not pulled, and one that the registry does not have says so', { timeout: 240_000 }, async () => {
    const told: CreateProgress[] = []
    const onProgress = (progress: CreateProgress): void => void told.push(progress)
    const { socketPath } = engine
    const sandbox = await docker({ image: registry.image, socketPath }).create(requestFor({ onProgress }), systemRuntime)
    await sandbox.destroy()
    expect(told).toEqual([])
    const missingTag = docker({ image: registry.image.replace(/:1$/, ':2'), socketPath })
    const error = await errorOf(missingTag.create(requestFor(), systemRuntime))
    expect([error.code, error.message]).toEqual(['sandbox.start-failed', expect.stringMatching(/layers:2.*(?:not found|unknown)/)])
  })
})
