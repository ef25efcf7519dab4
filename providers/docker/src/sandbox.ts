import { ISOLATION_LEVELS, type Profile, randomId, type SandboxOf, type SandboxState } from '@ringfence/core'
import { checkLifetime, checkSpawn, checkTerminalSize } from '@ringfence/core/plugin'
import type { ContainerInspectInfo } from 'dockerode'
import { openConnections } from './connections.ts'
import { labelOf, removeContainer } from './container.ts'
import type { Engine } from './engine.ts'
import { errors } from './errors.ts'
import { homeOf, startExec } from './exec.ts'
import { openGate } from './gate.ts'
import { lifetimeOf } from './lease.ts'
import { checkUser } from './options.ts'
import { processOf } from './process.ts'
import { type DockerProfile, isolationOf, isRoot, limitsOf, snapshotLevel } from './profile.ts'
import { openTerminal } from './pty.ts'
import { CONTROL, KEEPER, VOLUME, WORKSPACE } from './scripts.ts'
import { snapshotsOf } from './snapshot.ts'
import { heldLimits, LABELS } from './spec.ts'
import { suspending } from './suspend.ts'

/** What leads back to a sandbox: the id of its container, which no other ever has. */
export function stateOf(id: string): SandboxState {
  return { provider: 'docker', id, data: {} }
}

/** The profile that a container really has: what the engine says that it is, and no more than was promised. */
function profileOf(inspected: ContainerInspectInfo, promised: Profile): Profile {
  const came = isolationOf(inspected.HostConfig.Runtime)
  const level = Math.min(ISOLATION_LEVELS.indexOf(came), ISOLATION_LEVELS.indexOf(promised.isolation))
  // A snapshot is of the container alone: what an image keeps in a volume would be missing.
  const isWhole = inspected.Mounts.every(({ Destination }) => Destination === VOLUME)
  const snapshot = promised.facets.snapshot === 'never' || !isWhole ? 'never' : snapshotLevel(came)
  return {
    ...promised,
    facets: { ...promised.facets, snapshot },
    isolation: ISOLATION_LEVELS[level] ?? 'none',
    limits: heldLimits(inspected).filter((name) => limitsOf(came).includes(name)),
    user: isRoot(labelOf(inspected, LABELS.user)) ? 'root' : 'non-root',
  }
}

/** The handle of a container that runs. */
export function attach(engine: Engine, inspected: ContainerInspectInfo, promised: Profile): SandboxOf<DockerProfile> {
  const { Id: id } = inspected
  const defaultUser = labelOf(inspected, LABELS.user)
  const profile = profileOf(inspected, promised)
  const connected = openConnections(engine, id)
  const lifetime = lifetimeOf(engine, id, randomId(engine.context.random, 'h', 12))
  const gate = openGate(engine, id)
  const suspend = suspending(engine, id, gate)
  let closed = false
  const check = (operation: string): void => {
    if (closed) throw errors.closed(operation, id)
  }
  const close = (error: unknown): void => {
    closed = true
    connected.cut(error)
  }
  const who = (user: string | undefined): { user: string; env: readonly string[] } => {
    if (user === undefined) return { user: defaultUser, env: homeOf(defaultUser, inspected.HostConfig.ReadonlyRootfs === true) }
    checkUser('sandbox.spawn', user)
    if (user.split(':').includes(String(KEEPER)))
      throw errors.invalid('sandbox.spawn', `The user "${user}" keeps the lifetime of the sandbox`, 'Name another.')
    return { user, env: [] }
  }
  return {
    state: stateOf(id),
    info: { id, workspace: WORKSPACE, controlDirectory: CONTROL },
    profile,
    async spawn(argv, request = {}) {
      const operation = 'sandbox.spawn'
      check(operation)
      checkSpawn(argv, request, profile, errors)
      const { stdin = false, signal, user } = request
      const onPaused = (): void => check(operation)
      const exec = await startExec(engine, id, { argv, ...who(user), stdin, tty: false, operation, signal, gate, onPaused })
      const process = processOf(engine, exec, { stdin, tty: false, signal, connected })
      if (closed) await process.detach()
      check(operation)
      return process
    },
    pty: {
      async open(argv, request) {
        check('sandbox.pty')
        checkSpawn(argv, { user: request.user, stdin: true }, profile, errors)
        checkTerminalSize(request.size, errors)
        const { size, signal } = request
        return openTerminal(engine, id, { argv, ...who(request.user), size, signal, connected, gate, check })
      },
    },
    lifetime: {
      async extend(ms) {
        check('lifetime.extend')
        checkLifetime(ms, profile, errors)
        await lifetime.extend(ms)
      },
    },
    snapshot: profile.facets.snapshot === 'never' ? undefined : snapshotsOf(engine, inspected, gate, check),
    suspend: {
      async pause() {
        check('suspend.pause')
        await suspend.pause()
      },
      async resume() {
        check('suspend.resume')
        await suspend.resume()
      },
    },
    async release() {
      close(errors.closed('sandbox.release', id))
    },
    async destroy() {
      close(errors.gone('sandbox.destroy', id))
      await removeContainer(engine, id, 'sandbox.destroy')
    },
  }
}
