import {
  type AuditSink,
  type CreateRequest,
  digestOf,
  effectivePolicy,
  isRingfenceError,
  limitsOf,
  type Provider,
  RingfenceError,
  type RuntimeContext,
  randomId,
  type Sandbox,
  systemRuntime,
} from '@ringfence/core'
import { auditTo } from '../lifecycle/audit.ts'
import { checkProvider, createSandbox } from '../lifecycle/sandbox-start.ts'
import { type PolicyInput, policyLayers } from '../policy/admit.ts'
import { makeSpare, type Spare } from './spare.ts'

export interface SandboxPoolOptions {
  /** Where the sandboxes come from. */
  readonly sandbox: Provider
  /** How many wait, 1 to 1,000. */
  readonly prewarm: number
  /** What they are made for: a workspace with another isolation, network or limits gets one of its own. Default: as `openWorkspace`. */
  readonly policy?: PolicyInput | undefined
  /** How long those that wait outlive a process that died, in milliseconds. Default 120,000. */
  readonly leaseMs?: number | undefined
  /** As in `openWorkspace`. Default `ringfence`. */
  readonly installation?: string | undefined
  readonly audit?: readonly AuditSink[] | undefined
  readonly runtime?: RuntimeContext | undefined
}

/** A provider whose sandboxes are ready before they are asked for. */
export interface SandboxPool extends Provider, AsyncDisposable {
  /** Settles when as many wait as are wanted; rejects with the first error of making one. */
  ready(): Promise<void>
  /** Ends those that wait, and makes no more. Those that were taken go on. Idempotent. */
  close(): Promise<void>
}

const DEFAULT_LEASE_MS = 120_000
const MAX_SPARES = 1000

/** What two sandboxes must have in common to stand for each other. */
const likeness = ({ isolation, egress, limits }: Pick<CreateRequest, 'isolation' | 'egress' | 'limits'>): string =>
  digestOf({ isolation, egress, limits: Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)) })

/**
 * Keeps sandboxes ready. The pool is a provider: give it where the provider would go. What it hands over carries the reference that the
 * pool gave it, so that `find` of the intent does not know it: until its state is recorded, it ends with its lease when the process dies.
 *
 * @throws `config.invalid`, `policy.denied`, `feature.unsupported`, before anything is made.
 */
export function sandboxPool(options: SandboxPoolOptions): SandboxPool {
  const { sandbox: provider, prewarm, leaseMs = DEFAULT_LEASE_MS, installation = 'ringfence', runtime = systemRuntime } = options
  if (!Number.isInteger(prewarm) || prewarm < 1 || prewarm > MAX_SPARES)
    throw new RingfenceError('config.invalid', `A pool of "${prewarm}" sandboxes is none`, {
      hint: `Keep 1 to ${MAX_SPARES} ready.`,
      effect: 'none',
    })
  const layers = policyLayers(options.policy)
  checkProvider(provider, layers)
  const policy = effectivePolicy(layers)
  const made = likeness({
    isolation: policy.minimumIsolation.value,
    egress: policy.egress.value === 'open' ? 'open' : 'none',
    limits: limitsOf(policy),
  })
  const runId = randomId(runtime.random, 'pool', 12)
  const audit = auditTo(options.audit ?? [], runId, runtime.clock)
  const spares: Spare[] = []
  const making = new Set<Promise<void>>()
  const closing = new AbortController()
  let failure: unknown

  async function make(): Promise<void> {
    const ref = { installation, runId, intentId: randomId(runtime.random, 'sbx') }
    const sandbox = await createSandbox({ provider, layers, leaseMs, audit, runtime, signal: closing.signal }, ref)
    let spare: Spare
    try {
      spare = await makeSpare(sandbox, leaseMs, runtime)
    } catch (error) {
      await sandbox.destroy()
      throw error
    }
    if (closing.signal.aborted) return spare.destroy()
    spares.push(spare)
    spare.ended.addEventListener('abort', () => {
      const at = spares.indexOf(spare)
      if (at < 0) return
      spares.splice(at, 1)
      fill()
    })
  }

  /** A failure ends the filling until somebody asks again: what is broken is not tried without end. */
  function fill(): void {
    while (!closing.signal.aborted && spares.length + making.size < prewarm) {
      const one: Promise<void> = make()
        .then(
          () => {
            failure = undefined
          },
          (error: unknown) => {
            failure = error
          },
        )
        .finally(() => making.delete(one))
      making.add(one)
    }
  }

  async function takeSpare(lifetimeMs: number): Promise<Sandbox | undefined> {
    const spare = spares.shift()
    if (!spare) return undefined
    const sandbox = spare.take()
    // It has the lease of the pool already: whether the longer one came is seen by the next beat of whoever took it.
    if (lifetimeMs > leaseMs) await sandbox.lifetime?.extend(lifetimeMs)
    return sandbox
  }

  async function close(): Promise<void> {
    closing.abort(new RingfenceError('sandbox.closed', 'The pool is closed', { effect: 'none' }))
    await Promise.all(making)
    const results = await Promise.allSettled(spares.splice(0).map((spare) => spare.destroy()))
    for (const result of results) if (result.status === 'rejected' && !isRingfenceError(result.reason, 'sandbox.gone')) throw result.reason
  }

  fill()
  return {
    specificationVersion: provider.specificationVersion,
    profile: provider.profile,
    resolve: () => provider.resolve(),
    resume: (state, request, context) => provider.resume(state, request, context),
    find: provider.find && ((ref, context) => provider.find?.(ref, context) ?? Promise.resolve(undefined)),
    deleteSnapshot:
      provider.deleteSnapshot && ((snapshot, context) => provider.deleteSnapshot?.(snapshot, context) ?? Promise.resolve(undefined)),
    async create(request, context) {
      const taken = request.from === undefined && likeness(request) === made ? await takeSpare(request.lifetimeMs) : undefined
      fill()
      return taken ?? provider.create(request, context)
    },
    async ready() {
      fill()
      await Promise.all(making)
      if (spares.length < prewarm && failure !== undefined) throw failure
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
