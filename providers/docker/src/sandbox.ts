import { ISOLATION_LEVELS, type Profile, type RuntimeContext, randomId, type SandboxOf, type SandboxState } from '@ringfence/core'
import { checkLifetime, checkSpawn, checkTerminalSize } from '@ringfence/core/plugin'
import { labelOf, removeContainer } from './container.ts'
import type { Engine } from './engine.ts'
import { errors } from './errors.ts'
import { homeOf, startExec } from './exec.ts'
import { textAt } from './json.ts'
import { lifetimeOf, prolong } from './lifetime.ts'
import { checkUser } from './options.ts'
import { type Connected, processOf } from './process.ts'
import { type DockerProfile, isolationOf, isRoot, limitsOf } from './profile.ts'
import { openTerminal } from './pty.ts'
import { CONTROL, KEEPER, WORKSPACE } from './scripts.ts'
import { heldLimits, LABELS } from './spec.ts'

/** What leads back to a sandbox: the id of its container, which no other ever has. */
export function stateOf(id: string): SandboxState {
  return { provider: 'docker', id, data: {} }
}

/** The profile that a container really has: what the engine says that it ran, and no more than was promised. */
function profileOf(inspected: unknown, promised: Profile): Profile {
  const came = isolationOf(textAt(inspected, 'HostConfig', 'Runtime'))
  const level = Math.min(ISOLATION_LEVELS.indexOf(came), ISOLATION_LEVELS.indexOf(promised.isolation))
  return {
    ...promised,
    isolation: ISOLATION_LEVELS[level] ?? 'none',
    limits: heldLimits(inspected).filter((name) => limitsOf(came).includes(name)),
    user: isRoot(labelOf(inspected, LABELS.user)) ? 'root' : 'non-root',
  }
}

/** The handle of a container that runs. */
export function attach(engine: Engine, inspected: unknown, promised: Profile, context: RuntimeContext): SandboxOf<DockerProfile> {
  const id = textAt(inspected, 'Id')
  const defaultUser = labelOf(inspected, LABELS.user)
  const profile = profileOf(inspected, promised)
  const holder = randomId(context.random, 'h', 12)
  const connected: Connected = new Set()
  let closed = false
  const check = (operation: string): void => {
    if (closed) throw errors.closed(operation, id)
  }
  const close = (error: unknown): void => {
    closed = true
    for (const one of [...connected]) one.cut(error)
  }
  const who = (user: string | undefined): { user: string; env: readonly string[] } => {
    if (user === undefined) return { user: defaultUser, env: homeOf(defaultUser) }
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
      check('sandbox.spawn')
      checkSpawn(argv, request, profile, errors)
      const { stdin = false, signal } = request
      const exec = await startExec(engine, id, { argv, ...who(request.user), stdin, tty: false, operation: 'sandbox.spawn', signal })
      const process = processOf(engine, exec, { stdin, tty: false, signal, connected })
      if (closed) await process.detach()
      check('sandbox.spawn')
      return process
    },
    pty: {
      async open(argv, request) {
        check('sandbox.pty')
        checkSpawn(argv, { user: request.user, stdin: true }, profile, errors)
        checkTerminalSize(request.size, errors)
        const { size, signal } = request
        return openTerminal(engine, id, { argv, ...who(request.user), size, signal, connected, check })
      },
    },
    lifetime: lifetimeOf(async (ms) => {
      check('lifetime.extend')
      checkLifetime(ms, profile, errors)
      await prolong(engine, id, holder, ms)
    }),
    async release() {
      close(errors.closed('sandbox.release', id))
    },
    async destroy() {
      close(errors.gone('sandbox.destroy', id))
      await removeContainer(engine, id, 'sandbox.destroy')
    },
  }
}
