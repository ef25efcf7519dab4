import { type Conformance, type ConformanceSubject, defineConformance } from '@ringfence/testkit'
import { docker } from './src/index.ts'
import { setup, teardown } from './test/stop-engine.ts'

// What follows looks for the folder of the run when it is loaded.
setup()
const { missing, programPath, socketPath, startEngine } = await import('./test/engine.ts')
const { BUSYBOX, DEBIAN, fillDebian, make, makeImages } = await import('./test/images.ts')
const { podmanMissing, startPodman } = await import('./test/podman.ts')

const policy = { minimumIsolation: 'container' } as const
const withoutRunsc = programPath('runsc') === undefined ? 'gVisor is not installed: apt-get install runsc' : undefined
const withoutPodman = podmanMissing()
let podman: Awaited<ReturnType<typeof startPodman>> | undefined

const onDocker: readonly ConformanceSubject[] = [
  { title: 'Docker, Debian', provider: () => docker({ image: DEBIAN, socketPath }), policy },
  { title: 'Docker, Debian, root', provider: () => docker({ image: DEBIAN, socketPath, user: 'root' }), policy },
  { title: 'Docker, Debian, read-only root', provider: () => docker({ image: DEBIAN, socketPath, readOnlyRoot: true }), policy },
  { title: 'Docker, busybox', provider: () => docker({ image: BUSYBOX, socketPath }), policy },
  {
    title: 'Docker, busybox, root, read-only root',
    provider: () => docker({ image: BUSYBOX, socketPath, user: 'root', readOnlyRoot: true }),
    policy,
  },
].map((subject) => ({ ...subject, notRun: missing }))

const onOthers: readonly ConformanceSubject[] = [
  {
    title: 'gVisor, busybox',
    provider: () => docker({ image: BUSYBOX, socketPath, runtime: 'runsc' }),
    policy: { minimumIsolation: 'gvisor' },
    notRun: missing ?? withoutRunsc,
  },
  {
    title: 'Podman, Debian',
    provider: () => docker({ image: DEBIAN, socketPath: podman?.socketPath }),
    policy,
    notRun: missing ?? withoutPodman,
  },
]

const subjects: Conformance = {
  subjects: [...onDocker, ...onOthers],
  async start() {
    await startEngine()
    await makeImages()
    if (withoutPodman !== undefined) return
    podman = await startPodman()
    await make(DEBIAN, fillDebian, [], podman.api)
  },
  async stop() {
    await podman?.stop()
    await teardown()
  },
}

export default defineConformance(subjects)
