import type { CreateRequest, ErrorCode, Policy, Process, Provider, Sandbox, SandboxRef } from '@ringfence/core'
import { randomId } from '@ringfence/core'
import { type OpenWorkspaceOptions, openWorkspace, type Workspace } from '@ringfence/workspace'
import { conformanceError, expectCode, expectEqual } from '../assert/assert.ts'
import type { Feature, Requirement, RequirementContext } from '../suite/requirement.ts'

/** What the provider suite is run on. */
export interface ProviderSubject {
  readonly provider: Provider
  /** The strictest policy that its sandboxes fulfil. Default: isolation `process`, no network. */
  readonly policy?: Policy | undefined
  /** The engine over it. Default: that of `@ringfence/workspace`; mutants put a faulty one in its place. */
  readonly openWorkspace?: typeof openWorkspace | undefined
}

export type ProviderRequirement = Requirement<ProviderSubject>

/** A requirement in one line: id, behaviour, what it needs, what is done. */
export function requirement(
  id: string,
  behaviour: string,
  run: ProviderRequirement['run'],
  needs?: Feature<ProviderSubject>,
): ProviderRequirement {
  return { id, behaviour, run, needs }
}

const LIFETIME_MS = 120_000

/** A reference that nobody used before. */
export function newRef({ runtime }: RequirementContext): SandboxRef {
  return { installation: 'conformance', runId: randomId(runtime.random, 'run'), intentId: randomId(runtime.random, 'sbx') }
}

/** A request that the policy of the subject gives. */
export function createRequest({ policy }: ProviderSubject, context: RequirementContext, over: Partial<CreateRequest> = {}): CreateRequest {
  return {
    ref: newRef(context),
    isolation: policy?.minimumIsolation ?? 'process',
    egress: policy?.egress === 'open' ? 'open' : 'none',
    limits: {},
    lifetimeMs: LIFETIME_MS,
    signal: context.signal,
    ...over,
  }
}

/** A sandbox that is destroyed at the end of the requirement. */
export async function createSandbox(
  subject: ProviderSubject,
  context: RequirementContext,
  over: Partial<CreateRequest> = {},
): Promise<Sandbox> {
  const sandbox = await subject.provider.create(createRequest(subject, context, over), context.runtime)
  context.defer(() => sandbox.destroy())
  return sandbox
}

/** Expects that a creation is refused with a code, and leaves nothing. */
export async function expectNotCreated(
  subject: ProviderSubject,
  context: RequirementContext,
  over: Partial<CreateRequest>,
  code: ErrorCode,
  what: string,
): Promise<void> {
  const { provider } = subject
  const request = createRequest(subject, context, over)
  await expectCode(createSandbox(subject, context, request), code, what)
  expectEqual(await provider.find?.(request.ref, context.runtime), undefined, 'What a refused creation left')
}

export function engineOf(subject: ProviderSubject): typeof openWorkspace {
  return subject.openWorkspace ?? openWorkspace
}

/** A workspace that is destroyed at the end of the requirement. A policy is added to that of the subject. */
export async function open(
  subject: ProviderSubject,
  { runtime, signal, defer }: RequirementContext,
  { policy: more, ...over }: Partial<OpenWorkspaceOptions> & { policy?: Policy } = {},
): Promise<Workspace> {
  const { provider, policy } = subject
  const workspace = await engineOf(subject)({ sandbox: provider, policy: { ...policy, ...more }, runtime, signal, ...over })
  defer(() => workspace.destroy())
  return workspace
}

export interface Finished {
  readonly stdout: Buffer
  readonly stderr: Buffer
  readonly code: number | null
  readonly signal: string | null
}

/** Reads a process to its end. */
export async function finish(process: Process): Promise<Finished> {
  const chunks: Record<1 | 2, Uint8Array[]> = { 1: [], 2: [] }
  for await (const { fd, bytes } of process.output) chunks[fd].push(bytes)
  return { stdout: Buffer.concat(chunks[1]), stderr: Buffer.concat(chunks[2]), ...(await process.exit) }
}

/** Runs a shell text in a sandbox, without the engine. */
export async function sh(sandbox: Sandbox, script: string, ...args: readonly string[]): Promise<Finished> {
  return finish(await sandbox.spawn(['sh', '-c', script, 'sh', ...args]))
}

/** Asks again until something holds. The deadline is that of the requirement. */
export async function until(context: RequirementContext, what: string, holds: () => Promise<boolean>): Promise<void> {
  for (;;) {
    if (await holds()) return
    if (context.signal.aborted) throw conformanceError(`It never came about that ${what}`)
    await context.runtime.clock.sleep(50, { signal: context.signal })
  }
}

/** Reads output until a text has come, and leaves the iterator open. */
export async function readUntil(output: AsyncIterator<{ readonly bytes: Uint8Array }>, text: string): Promise<string> {
  let seen = ''
  while (!seen.includes(text)) {
    const { done, value } = await output.next()
    if (done) throw conformanceError(`The output ended without ${JSON.stringify(text)}: ${JSON.stringify(seen.slice(-400))}`)
    seen += Buffer.from(value.bytes).toString('latin1')
  }
  return seen
}

/** Waits for what may succeed or be refused: what is checked is what it did. */
export async function eitherWay<T>(work: Promise<T>): Promise<T | undefined> {
  // The refusal is one of the two right outcomes.
  return work.catch(() => undefined)
}
