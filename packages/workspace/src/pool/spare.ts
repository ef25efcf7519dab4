import { type Process, type RuntimeContext, type Sandbox, systemRuntime } from '@ringfence/core'
import { keepAlive } from '../lifecycle/keep-alive.ts'

/** A sandbox that waits to be taken, with the shell that its engine will want first. */
export interface Spare {
  /** Aborted when it has ended meanwhile. */
  readonly ended: AbortSignal
  /** Gives it away; from now on whoever took it keeps it alive. */
  take(): Sandbox
  destroy(): Promise<void>
}

/** What the engine spawns for its resident shell. */
const SHELL = ['sh']

const isShell = (argv: readonly string[]): boolean => argv.length === SHELL.length && argv[0] === SHELL[0]

async function warmShell(sandbox: Sandbox): Promise<Process | undefined> {
  if (sandbox.profile.wire.stdin !== 'live') return undefined
  const process = await sandbox.spawn(SHELL, { stdin: true })
  // Whoever uses it learns how it ends from its output.
  process.exit.catch(() => undefined)
  return process
}

/** Gets a new sandbox ready to be taken. */
export async function makeSpare(sandbox: Sandbox, leaseMs: number, { clock }: RuntimeContext = systemRuntime): Promise<Spare> {
  let shell = await warmShell(sandbox)
  const ending = new AbortController()
  const stopHeart = sandbox.lifetime ? keepAlive(sandbox.lifetime, leaseMs, clock, () => ending.abort()) : () => undefined

  /** The process that waits is given once, to who asks for exactly that one. */
  const wrapped: Sandbox = {
    ...sandbox,
    async spawn(argv, request = {}) {
      const ready = shell
      if (!ready || !request.stdin || request.user !== undefined || !isShell(argv)) return sandbox.spawn(argv, request)
      shell = undefined
      return ready
    },
    async release() {
      await dropShell()
      await sandbox.release()
    },
    async destroy() {
      await dropShell()
      await sandbox.destroy()
    },
  }
  async function dropShell(): Promise<void> {
    const left = shell
    shell = undefined
    // It ends with its sandbox at the latest.
    await left?.detach().catch(() => undefined)
  }
  return {
    ended: ending.signal,
    take() {
      stopHeart()
      return wrapped
    },
    async destroy() {
      stopHeart()
      await wrapped.destroy()
    },
  }
}
