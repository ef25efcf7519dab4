import { type NativeSnapshot, parseManifest, RingfenceError, randomId, type Sandbox, systemRuntime, throwIfAborted } from '@ringfence/core'
import { openExec, parseControlState } from './exec/index.ts'
import { openFiles } from './files/index.ts'
import { auditTo } from './lifecycle/audit.ts'
import { checkProvider, createSandbox, endAfter, resumeSandbox, type StartRequest } from './lifecycle/sandbox-start.ts'
import { makeWorkspace } from './make-workspace.ts'
import { checkSources, materialise } from './materialise/index.ts'
import type { OpenWorkspaceOptions } from './options.ts'
import type { Opened, Plan } from './plan.ts'
import { policyLayers } from './policy/admit.ts'
import { checkSecretSlots, placeSecrets } from './secrets/placed-secrets.ts'
import { readSecrets } from './secrets/secret-values.ts'
import { parseSnapshotRef, restoreSnapshot, type SnapshotRef } from './snapshot/index.ts'
import type { Workspace } from './workspace.ts'

const DEFAULT_LEASE_MS = 120_000

const isNative = (from: SnapshotRef | NativeSnapshot | undefined): from is NativeSnapshot => from !== undefined && !('format' in from)

/** Checks everything that can be checked without a side effect, and reads the secrets. */
async function plan(options: OpenWorkspaceOptions): Promise<Plan> {
  const runtime = options.runtime ?? systemRuntime
  const runId = options.runId ?? options.resume?.runId ?? randomId(runtime.random, 'run')
  const leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS
  if (!Number.isFinite(leaseMs) || leaseMs < 1000)
    throw new RingfenceError('config.invalid', `The lease of "${leaseMs}" ms is too short`, {
      hint: 'Give at least 1000 ms.',
      effect: 'none',
    })
  const manifest = parseManifest(options.manifest ?? {})
  const layers = policyLayers(options.policy)
  if (options.from && options.resume)
    throw new RingfenceError('config.invalid', 'Both `from` and `resume` are given', {
      hint: 'Attach to a sandbox, or restore into a new one.',
      effect: 'none',
    })
  if (options.from && !isNative(options.from)) {
    parseSnapshotRef(options.from)
    if (!options.snapshots)
      throw new RingfenceError('config.invalid', 'A workspace from a snapshot needs the store that holds it', {
        hint: 'Give `snapshots`.',
        effect: 'none',
      })
  }
  checkProvider(options.sandbox, layers)
  checkSecretSlots(layers, options.sandbox.resolve())
  if (!options.resume) await checkSources(manifest)
  const audit = auditTo(options.audit ?? [], runId, runtime.clock)
  const values = options.secrets ?? (await readSecrets(options.policy, (name) => audit('secret.resolve', 'allowed', { name })))
  return {
    options,
    runtime,
    runId,
    leaseMs,
    epoch: options.epoch ?? 1,
    manifest,
    layers,
    audit,
    secrets: placeSecrets(layers, values),
    redactor: values.redactor,
  }
}

/** Paths that no snapshot holds: ephemeral entries, and the slots of secrets. */
function ephemeralPaths({ manifest, secrets }: Plan): readonly string[] {
  const entries = Object.entries(manifest.entries).filter(([, entry]) => entry.ephemeral)
  return [...new Set([...entries.map(([path]) => path), ...Object.keys(secrets.files)])].sort()
}

async function fill(planned: Plan, { exec, files, sandbox, reserved }: Opened): Promise<void> {
  const { options, manifest, runtime, secrets } = planned
  const { from, signal, onEvent, snapshots } = options
  const common = { shell: exec.shell, root: sandbox.info.workspace, clock: runtime.clock, signal }
  if (from && !isNative(from) && snapshots) await restoreSnapshot({ ...common, store: snapshots, ref: from, exclude: reserved })
  const only = from ? 'ephemeral' : undefined
  const { leftOut } = await materialise({
    ...common,
    manifest,
    only,
    onProgress: (progress) => onEvent?.({ type: 'materialise', ...progress }),
  })
  for (const { path, reason } of leftOut) onEvent?.({ type: 'source.left-out', path, reason })
  for (const [path, value] of Object.entries(secrets.files)) await files.writeFile(path, value, { mode: 0o600, signal })
}

async function openInside(planned: Plan, sandbox: Sandbox): Promise<Opened> {
  const { options, runtime, epoch, manifest, redactor: redaction } = planned
  const exec = await openExec({
    sandbox,
    env: manifest.env,
    epoch,
    resumeFrom: options.resume ? parseControlState(options.resume.control) : undefined,
    clock: runtime.clock,
    random: runtime.random,
    redact: redaction.stream,
  })
  const root = sandbox.info.workspace
  const files = openFiles({ shell: exec.shell, root })
  // Where no other place could be written to, the engine's own folder lies in the workspace.
  const reserved = exec.control.entries.flatMap(({ path }) => (path.startsWith(`${root}/`) ? [path.slice(root.length + 1)] : []))
  return { sandbox, exec, files, ephemeral: options.resume?.ephemeral ?? ephemeralPaths(planned), reserved }
}

/**
 * Opens a workspace: makes a sandbox and fills it, or attaches to one that is there.
 *
 * Everything that can be refused is refused before anything is made; what fails later leaves nothing behind.
 *
 * @throws `config.invalid`, `policy.denied`, `feature.unsupported`, `source.*`, `git.failed`, `secret.failed`,
 *   `sandbox.*`, `snapshot.*`, `provider.*`; the reason of the signal.
 */
export async function openWorkspace(options: OpenWorkspaceOptions): Promise<Workspace> {
  throwIfAborted(options.signal)
  const planned = await plan(options)
  const { runtime, runId, layers, leaseMs, audit } = planned
  const { onEvent, signal } = options
  const provider = options.sandbox
  const start: StartRequest = {
    provider,
    layers,
    leaseMs,
    audit,
    runtime,
    onProgress: (progress) => onEvent?.({ type: 'sandbox.progress', ...progress }),
    signal,
  }
  onEvent?.({ type: 'sandbox.creating', provider: provider.profile.name })
  const sandbox = options.resume
    ? await resumeSandbox(start, options.resume.sandbox)
    : await createSandbox(
        start,
        {
          installation: options.installation ?? 'ringfence',
          runId,
          intentId: options.intentId ?? randomId(runtime.random, 'sbx'),
        },
        isNative(options.from) ? options.from : undefined,
      )
  try {
    throwIfAborted(signal)
    const opened = await openInside(planned, sandbox)
    if (!options.resume) await fill(planned, opened)
    throwIfAborted(signal)
    const { id } = sandbox.info
    onEvent?.({
      type: 'sandbox.ready',
      provider: provider.profile.name,
      sandboxId: id,
      isolation: sandbox.profile.isolation,
      attached: options.resume !== undefined,
    })
    return makeWorkspace(planned, opened, openWorkspace)
  } catch (error) {
    // One that was there already is left alone: it may hold work.
    await endAfter(error, () => (options.resume ? sandbox.release() : sandbox.destroy()))
    throw error
  }
}
