import {
  type Command,
  type CommandLine,
  type CommandOptions,
  type ExecOptions,
  RingfenceError,
  randomId,
  type SpawnOptions,
  type WorkspaceHandle,
} from '@ringfence/core'
import { quoteAll } from '@ringfence/core/plugin'
import { workspaceDiff } from './diff/workspace-diff.ts'
import { workspaceRelative } from './files/index.ts'
import { keepAlive } from './lifecycle/keep-alive.ts'
import type { OpenWorkspaceOptions } from './options.ts'
import type { Opened, Plan } from './plan.ts'
import { admit } from './policy/admit.ts'
import { redactError } from './redact-error.ts'
import { restrict } from './restrict.ts'
import { type SnapshotRef, takeSnapshot } from './snapshot/index.ts'
import type { Workspace, WorkspaceState } from './workspace.ts'

type WithId<T extends CommandOptions> = T & { readonly opId: string }

function closedError(id: string): RingfenceError {
  return new RingfenceError('sandbox.closed', `The workspace of the sandbox "${id}" was released or destroyed`, {
    hint: 'Open it again, with `resume` when the sandbox still lives.',
    effect: 'none',
  })
}

/** Puts the parts together: each call checks that the workspace is open, asks the policy, and tells what happens. */
export function makeWorkspace(
  plan: Plan,
  { sandbox, exec, files, ephemeral, reserved }: Opened,
  open: (options: OpenWorkspaceOptions) => Promise<Workspace>,
): Workspace {
  const { runtime, runId, layers, audit, redactor, secrets, options } = plan
  const { onEvent, snapshots } = options
  const root = sandbox.info.workspace
  const session = randomId(runtime.random, 'w', 8)
  let operations = 0
  let closed = false
  let ending: Promise<void> | undefined
  const stopHeart = sandbox.lifetime ? keepAlive(sandbox.lifetime, plan.leaseMs, runtime.clock) : () => undefined
  // The control state grows when a command runs as another user.
  const state = (): WorkspaceState => ({ version: 1, runId, sandbox: sandbox.state, control: exec.control, ephemeral })

  function checkOpen(): void {
    if (closed) throw closedError(sandbox.info.id)
  }

  /** Checks a command, gives it an id, and tells of its start. */
  async function begin<T extends CommandOptions>(line: CommandLine, given: T): Promise<WithId<T>> {
    checkOpen()
    const cwd = workspaceRelative(root, given.cwd ?? '.')
    admit(layers, { kind: 'command', user: given.user }, 'workspace.exec')
    if (given.user !== undefined && !sandbox.profile.wire.user)
      throw new RingfenceError('feature.unsupported', `"${sandbox.profile.name}" cannot run a command as the user "${given.user}"`, {
        hint: 'Leave `user` out, or use a provider with users.',
        effect: 'none',
      })
    const opId = given.opId ?? `${runId}.${session}.${operations++}`
    const command = redactor.text(typeof line === 'string' ? line : quoteAll(line))
    await audit('command', 'allowed', { opId, command, cwd })
    onEvent?.({ type: 'command.started', opId, command, cwd })
    return { ...given, cwd, opId }
  }

  /** Tells of the end of a command, once, whoever waits for it. */
  function watch(command: Command): Command {
    const startedAt = runtime.clock.monotonic()
    const exit = command.exit.catch((error: unknown) => {
      throw redactError(error, redactor)
    })
    exit.then(
      ({ exitCode, signal, timedOut }) =>
        onEvent?.({
          type: 'command.ended',
          opId: command.opId,
          exitCode,
          signal,
          timedOut,
          durationMs: runtime.clock.monotonic() - startedAt,
        }),
      () => {
        // Whoever awaits the exit gets the error; here it only must not go unhandled.
      },
    )
    return { ...command, exit }
  }

  async function snapshot({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<SnapshotRef> {
    checkOpen()
    if (!snapshots)
      throw new RingfenceError('config.invalid', 'This workspace has no snapshot store', {
        hint: 'Open it with `snapshots`.',
        effect: 'none',
      })
    const ref = await takeSnapshot({
      shell: exec.shell,
      root,
      store: snapshots,
      exclude: [...ephemeral, ...reserved],
      clock: runtime.clock,
      signal,
    })
    onEvent?.({ type: 'snapshot', id: ref.id, treeDigest: ref.treeDigest })
    return ref
  }

  async function letGo(): Promise<void> {
    closed = true
    stopHeart()
    await exec.close()
  }

  async function destroy(): Promise<void> {
    await letGo()
    await audit('sandbox.destroy', 'allowed', { sandboxId: sandbox.info.id })
    await sandbox.destroy()
    onEvent?.({ type: 'sandbox.destroyed', sandboxId: sandbox.info.id })
  }

  /** One that failed may be tried again. */
  function end(): Promise<void> {
    ending ??= destroy().catch((error: unknown) => {
      ending = undefined
      throw error
    })
    return ending
  }

  const bare: WorkspaceHandle = {
    root,
    provider: sandbox.profile.name,
    hasPty: sandbox.pty !== undefined,
    async exec(line, given: ExecOptions = {}) {
      const request = await begin(line, given)
      const result = await exec.exec(line, { ...request, secretEnv: secrets.env })
      const { opId, exitCode, signal, timedOut, durationMs } = result
      onEvent?.({ type: 'command.ended', opId, exitCode, signal, timedOut, durationMs })
      return result
    },
    async spawn(line, given: SpawnOptions = {}) {
      const request = await begin(line, given)
      return watch(await exec.start(line, { ...request, secretEnv: secrets.env }))
    },
    async attach(opId) {
      checkOpen()
      return exec.attach(opId)
    },
    async readFile(path, readOptions) {
      checkOpen()
      return files.readFile(path, readOptions)
    },
    async readText(path, readOptions) {
      checkOpen()
      return files.readText(path, readOptions)
    },
    async *readStream(path, readOptions) {
      checkOpen()
      yield* files.readStream(path, readOptions)
    },
    async writeFile(path, data, writeOptions) {
      checkOpen()
      await files.writeFile(path, data, writeOptions)
    },
    async list(path, fileOptions) {
      checkOpen()
      return files.list(path, fileOptions)
    },
    async stat(path, fileOptions) {
      checkOpen()
      return files.stat(path, fileOptions)
    },
    async remove(path, removeOptions) {
      checkOpen()
      await files.remove(path, removeOptions)
    },
    async mkdir(path, mkdirOptions) {
      checkOpen()
      await files.mkdir(path, mkdirOptions)
    },
    async rename(from, to, fileOptions) {
      checkOpen()
      await files.rename(from, to, fileOptions)
    },
  }

  /** Whatever a call throws holds no value of a secret. */
  const guarded =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      call(...args).catch((error: unknown) => {
        throw redactError(error, redactor)
      })
  const handle: WorkspaceHandle = {
    ...bare,
    exec: guarded(bare.exec),
    spawn: guarded(bare.spawn),
    attach: guarded(bare.attach),
    readFile: guarded(bare.readFile),
    readText: guarded(bare.readText),
    writeFile: guarded(bare.writeFile),
    list: guarded(bare.list),
    stat: guarded(bare.stat),
    remove: guarded(bare.remove),
    mkdir: guarded(bare.mkdir),
    rename: guarded(bare.rename),
  }

  return {
    ...handle,
    get state() {
      return state()
    },
    sandboxId: sandbox.info.id,
    isolation: sandbox.profile.isolation,
    async diff(path = '.') {
      checkOpen()
      await audit('export', 'allowed', { kind: 'diff', path })
      return redactor.text(await workspaceDiff(exec.shell, workspaceRelative(root, path) || '.'))
    },
    snapshot,
    async fork({ signal } = {}) {
      const from = await snapshot({ signal })
      // A fork is a run of its own: nothing that names the first one goes along.
      const { resume: _resume, runId: _runId, intentId: _intentId, epoch: _epoch, ...rest } = options
      return open({ ...rest, from, signal })
    },
    redact: redactor.text,
    redactJson: redactor.json,
    restricted: () => restrict(handle),
    async release() {
      if (closed) return
      await letGo()
      await sandbox.release()
    },
    destroy: end,
    [Symbol.asyncDispose]: end,
  }
}
