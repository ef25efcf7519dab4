import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type Api, apiOf, programPath } from './engine.ts'
import { openNamespace, removeGroups } from './namespace.ts'

/** Podman behind the API of Docker. */
export interface PodmanEngine {
  readonly socketPath: string
  readonly api: Api
  stop(): Promise<void>
}

/** Why Podman cannot be started here, with the line that mends it; `undefined` when it can. */
export function podmanMissing(): string | undefined {
  const packages = ['podman', 'runc', 'catatonit'].filter((program) => programPath(program) === undefined)
  return packages.length === 0 ? undefined : `Podman is not installed: apt-get install ${packages.join(' ')}`
}

const CONFIG = `[network]
network_backend = "netavark"
`

/** Stands before runc: Podman would raise the limits of its containers above those that a machine may have. */
const RUNTIME = `#!/bin/sh
for word; do
  case $last in --bundle) file=$word/config.json ;; --process) file=$word ;; *) file= ;; esac
  [ -z "$file" ] || sed -i 's/"type":"\\(RLIMIT_N[A-Z]*\\)","hard":[0-9]*,"soft":[0-9]*/"type":"\\1","hard":4096,"soft":4096/g' "$file" || exit
  last=$word
done
exec runc "$@"
`

/** Starts a service of Podman, with a storage that goes with it. */
export async function startPodman(): Promise<PodmanEngine> {
  const directory = mkdtempSync(join(tmpdir(), 'ringfence-podman-'))
  const at = (name: string): string => join(directory, name)
  const socketPath = at('podman.sock')
  const api = apiOf(socketPath)
  writeFileSync(at('containers.conf'), CONFIG)
  writeFileSync(at('runc'), RUNTIME, { mode: 0o755 })
  const options = ['--root', at('root'), '--runroot', at('run'), '--cgroup-manager', 'cgroupfs', '--runtime', at('runc')]
  const command = ['podman', ...options, 'system', 'service', '--time=0', `unix://${socketPath}`]
  const namespace = openNamespace('catatonit', command, at('log'), { CONTAINERS_CONF: at('containers.conf') })
  await namespace.start(async () => (await api('GET', '/_ping')).status === 200)
  return {
    socketPath,
    api,
    async stop() {
      await namespace.close()
      removeGroups(basename(directory))
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
