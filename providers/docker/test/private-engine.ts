import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type Api, apiOf } from './engine.ts'
import { openNamespace, removeGroups } from './namespace.ts'

/** An engine that one test file ends and starts as it likes. */
export interface PrivateEngine {
  readonly socketPath: string
  /** All its files; its processes name it. */
  readonly directory: string
  /** The control group that those of its containers are in. */
  readonly group: string
  readonly api: Api
  /** Starts it, and waits until it answers. */
  start(): Promise<void>
  /** Ends the engine, and waits for that. What it started goes on or ends as the engine has it. */
  end(signal: 'TERM' | 'KILL'): Promise<void>
  /** Runs a shell text where the engine is: as root, in its network and mounts. `$data` is the folder of its data. */
  inside(script: string): Promise<void>
  close(): Promise<void>
}

/** @param config what the engine is told besides, as in daemon.json. */
export async function openPrivateEngine(config: object = {}): Promise<PrivateEngine> {
  const directory = mkdtempSync(join(tmpdir(), 'ringfence-private-'))
  const at = (name: string): string => join(directory, name)
  const socketPath = at('docker.sock')
  const api = apiOf(socketPath)
  const group = basename(directory)
  const settings = { 'cgroup-parent': `/${group}`, 'exec-opts': ['native.cgroupdriver=cgroupfs'], iptables: false, ip6tables: false }
  writeFileSync(at('daemon.json'), JSON.stringify({ ...settings, ...config }))
  const command = ['dockerd', '--config-file', at('daemon.json'), '--data-root', at('data'), '--exec-root', at('exec')]
  const namespace = openNamespace('docker-init', [...command, '-H', `unix://${socketPath}`, '-p', at('dockerd.pid')], at('log'))
  await namespace.run(`data='${at('data')}'; mkdir "$data"`)
  return {
    socketPath,
    directory,
    group,
    api,
    inside: (script) => namespace.run(script),
    start: () => namespace.start(async () => (await api('GET', '/_ping')).status === 200),
    async end(signal) {
      await namespace.run(`kill -s ${signal} "$engine"; wait "$engine"; :`)
    },
    async close() {
      await namespace.close()
      removeGroups(group)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
