import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Isolated, isolate } from '../kit/isolated.ts'
import { copyRoot, makeRoot } from '../kit/root.ts'
import { Refused, refusal } from './answer.ts'
import { type Processes, processesOf } from './processes.ts'

export interface SandboxRequest {
  readonly template: string
  readonly timeoutSeconds: number
  readonly metadata: Readonly<Record<string, string>>
  readonly envs: Readonly<Record<string, string>>
  readonly network: boolean
  readonly onTimeout: 'kill' | 'pause'
}

export interface Sandbox extends SandboxRequest {
  readonly id: string
  readonly token: string
  readonly root: string
  readonly isolated: Isolated
  readonly processes: Processes
  /** Answers that are being written. They are cut when the sandbox stops. */
  readonly open: Set<ServerResponse>
  startedAt: number
  endAt: number
  state: 'running' | 'paused'
}

export interface Snapshot {
  readonly id: string
  readonly source: string
  readonly root: string
  readonly names: readonly string[]
  /** The commands that ran: the memory of the source is a part of the snapshot. */
  readonly running: readonly (readonly string[])[]
}

/** What stands in for a process whose memory was kept: its words, and nothing that it would do twice. */
const STAND_IN = ['/bin/sh', '-c', 'while sleep 1; do :; done', 'sh']
export const MAX_SECONDS = 86_400
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'

const newId = (length: number): string => [...randomBytes(length)].map((byte) => LETTERS[byte % LETTERS.length]).join('')

export interface Sandboxes {
  readonly all: ReadonlyMap<string, Sandbox>
  readonly snapshots: ReadonlyMap<string, Snapshot>
  create(request: SandboxRequest): Promise<Sandbox>
  /** The sandbox, or a refusal with 404. */
  get(id: string): Sandbox
  setTimeout(sandbox: Sandbox, seconds: number): void
  pause(sandbox: Sandbox): Promise<void>
  resume(sandbox: Sandbox): Promise<void>
  kill(sandbox: Sandbox): Promise<void>
  snapshot(sandbox: Sandbox, name: string | undefined): Promise<Snapshot>
  deleteSnapshot(id: string): Promise<boolean>
  close(): Promise<void>
}

export function sandboxes(templates: readonly string[]): Sandboxes {
  const folder = mkdtempSync(join(tmpdir(), 'e2b-emulator-'))
  const all = new Map<string, Sandbox>()
  const snapshots = new Map<string, Snapshot>()
  const timers = new Map<string, NodeJS.Timeout>()

  const cut = ({ open }: Sandbox): void => {
    for (const response of open) response.socket?.destroy()
    open.clear()
  }
  const kill = async (sandbox: Sandbox): Promise<void> => {
    if (!all.delete(sandbox.id)) return
    clearTimeout(timers.get(sandbox.id))
    timers.delete(sandbox.id)
    cut(sandbox)
    await sandbox.isolated.end()
    await rm(sandbox.root, { recursive: true, force: true, maxRetries: 5 })
  }
  const pause = async (sandbox: Sandbox): Promise<void> => {
    clearTimeout(timers.get(sandbox.id))
    sandbox.state = 'paused'
    await sandbox.isolated.freeze()
    cut(sandbox)
    sandbox.endAt = Date.now()
  }
  const limit = (sandbox: Sandbox, seconds: number): void => {
    clearTimeout(timers.get(sandbox.id))
    sandbox.endAt = Date.now() + seconds * 1000
    const end = (): void => {
      // Whoever asks for it meanwhile sees it running, or is told that it is not there.
      ;(sandbox.onTimeout === 'pause' ? pause(sandbox) : kill(sandbox)).catch(() => undefined)
    }
    timers.set(sandbox.id, setTimeout(end, seconds * 1000))
  }

  return {
    all,
    snapshots,
    async create(request) {
      const snapshot = snapshots.get(request.template)
      if (!snapshot && !templates.includes(request.template)) throw new Refused(refusal(404, `template '${request.template}' not found`))
      const id = `i${newId(20)}`
      const root = join(folder, id)
      if (snapshot) await copyRoot(snapshot.root, root)
      else {
        await mkdir(root)
        makeRoot(root)
      }
      const isolated = await isolate(root, request.network)
      const times = { startedAt: Date.now(), endAt: 0, state: 'running' as const }
      const sandbox: Sandbox = {
        ...request,
        ...times,
        id,
        root,
        isolated,
        token: randomBytes(16).toString('hex'),
        processes: processesOf(isolated, request.envs),
        open: new Set(),
      }
      for (const words of snapshot?.running ?? []) {
        const config = { cmd: STAND_IN[0] ?? '', args: [...STAND_IN.slice(1), ...words], envs: {}, cwd: '/' }
        await sandbox.processes.start({ config, user: 'user', stdin: false })
      }
      all.set(id, sandbox)
      limit(sandbox, request.timeoutSeconds)
      return sandbox
    },
    get(id) {
      const sandbox = all.get(id)
      if (!sandbox) throw new Refused(refusal(404, `Sandbox "${id}" doesn't exist or you don't have access to it`))
      return sandbox
    },
    setTimeout: limit,
    pause,
    async resume(sandbox) {
      await sandbox.isolated.thaw()
      sandbox.startedAt = Date.now()
      sandbox.state = 'running'
    },
    kill,
    async snapshot(sandbox, name) {
      const id = name ?? newId(20)
      const root = join(folder, `snapshot-${newId(20)}`)
      const running = sandbox.processes.running().map(({ cmd, args }) => [cmd, ...args])
      await sandbox.isolated.freeze()
      cut(sandbox)
      try {
        await copyRoot(sandbox.root, root)
      } finally {
        await sandbox.isolated.thaw()
      }
      const snapshot = { id, source: sandbox.id, root, names: name === undefined ? [] : [name], running }
      snapshots.set(id, snapshot)
      return snapshot
    },
    async deleteSnapshot(id) {
      const snapshot = snapshots.get(id)
      if (!snapshot) return false
      snapshots.delete(id)
      await rm(snapshot.root, { recursive: true, force: true })
      return true
    },
    async close() {
      await Promise.all([...all.values()].map(kill))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
