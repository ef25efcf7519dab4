import { type CreateRequest, isRingfenceError, type Process, type RingfenceError, type Sandbox, systemRuntime } from '@ringfence/core'
import { afterEach, expect } from 'vitest'
import { type DockerOptions, docker } from '../src/index.ts'
import { api, socketPath } from './engine.ts'
import { BUSYBOX } from './images.ts'

export { until } from './until.ts'

/** Every sandbox of a test file is of this installation. */
export const installation = `test-${process.pid}`

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (let next = cleanups.pop(); next; next = cleanups.pop()) await next()
})

/** Done at the end of the test, last first. */
export function defer(cleanup: () => Promise<unknown>): void {
  cleanups.push(cleanup)
}

let counter = 0

/** A request for a sandbox that nobody asked for yet. */
export function requestFor(over: Partial<CreateRequest> = {}): CreateRequest {
  counter += 1
  const ref = { installation, runId: 'run', intentId: `intent-${process.pid}-${counter}` }
  return { ref, isolation: 'container', egress: 'none', limits: {}, lifetimeMs: 300_000, ...over }
}

/** A sandbox of busybox that is destroyed at the end of the test. */
export async function create(options: DockerOptions = {}, over: Partial<CreateRequest> = {}): Promise<Sandbox> {
  const sandbox = await docker({ image: BUSYBOX, socketPath, ...options }).create(requestFor(over), systemRuntime)
  defer(() => removed(sandbox.info.id))
  return sandbox
}

/** Removes a container behind everybody's back. */
export async function removed(id: string): Promise<void> {
  await api('DELETE', `/containers/${id}?force=1&v=1`)
}

export async function finish(process: Process): Promise<{ stdout: string; stderr: string; code: number | null }> {
  const text: Record<1 | 2, string> = { 1: '', 2: '' }
  for await (const { fd, bytes } of process.output) text[fd] += Buffer.from(bytes).toString('latin1')
  return { stdout: text[1], stderr: text[2], code: (await process.exit).code }
}

export async function sh(sandbox: Sandbox, script: string, user?: string): Promise<string> {
  return (await finish(await sandbox.spawn(['sh', '-c', script], { user }))).stdout
}

/** The error of a call that must fail. */
export async function errorOf(call: Promise<unknown>): Promise<RingfenceError> {
  const error = await call.then(
    () => undefined,
    (reason) => reason,
  )
  if (!isRingfenceError(error)) throw new Error(`It did not fail as it should: ${String(error)}`)
  return error
}

/** What the engine says of a container, by id or name. */
export async function inspect(id: string): Promise<Record<string, never> | undefined> {
  const { status, body } = await api('GET', `/containers/${id}/json`)
  return status === 200 ? JSON.parse(body) : undefined
}

/** The containers of this file's installation, also those that do not run. */
export async function containers(): Promise<readonly { Id: string; State: string; Names: string[] }[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`dev.ringfence.installation=${installation}`] }))
  return JSON.parse((await api('GET', `/containers/json?all=1&filters=${filters}`)).body)
}

export function expectHint(error: RingfenceError, code: string, message: RegExp): void {
  expect(error.code).toBe(code)
  expect(error.message).toMatch(message)
  expect((error.hint ?? '').length).toBeGreaterThan(10)
}

/** One of these codes, and a hint: of the error, or of the one that caused it. */
export function expectToldClearly(error: RingfenceError, codes: readonly string[]): void {
  expect(codes, error.message).toContain(error.code)
  const { hint, cause } = error
  const said = hint ?? (isRingfenceError(cause) ? cause.hint : undefined) ?? ''
  expect(said.length, `the hint of "${error.message}"`).toBeGreaterThan(10)
}
