import type { Socket } from 'node:net'
import type { CreateRequest } from '@ringfence/core'
import type { ContainerInspectInfo } from 'dockerode'
import { inspectContainer, putMembers } from './container.ts'
import { ask, connectionOf, type Engine, outcome } from './engine.ts'
import { errors, startFailure } from './errors.ts'
import { frames } from './frames.ts'
import type { Settings } from './options.ts'
import { bytesOf } from './process.ts'
import { CONTROL, homeIn, KEEPER, LEASE, VOLUME, WORKSPACE } from './scripts.ts'
import { type Image, isUnplugged } from './spec.ts'
import type { Member } from './tar.ts'
import { ownerOf } from './user.ts'

/** A container on its way. */
export interface Creation {
  readonly engine: Engine
  readonly settings: Settings
  readonly request: CreateRequest
  readonly image: Image
  /** Tells what this call made from what another made. */
  readonly creation: string
  readonly name: string
}

const OPERATION = 'sandbox.create'
const START_MS = 180_000
/** How long the first process may take to report, in milliseconds. */
const READY_MS = 120_000
const MOST_CHARACTERS = 4000
const HOSTS = '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n'

/**
 * Starts a container. Also one that another made: each step may be done twice, and whoever comes first lets the other
 * go on. So nobody waits for a creator that has died.
 *
 * @returns what the engine said of it before its start; it runs now.
 */
export async function startContainer(creation: Creation, id: string): Promise<ContainerInspectInfo> {
  const { engine, image, request } = creation
  const { signal } = request
  const container = engine.client.getContainer(id)
  const purpose = { operation: OPERATION, id, signal }
  const [inspected] = await Promise.all([inspectContainer(engine, id, OPERATION, signal), giveFolders(creation, id)])
  if (!inspected) throw errors.gone(OPERATION, id)
  verify(inspected, request)
  const attached = await ask(engine, purpose, async () =>
    connectionOf(await container.attach({ hijack: true, stream: true, stdout: true, stderr: true })),
  )
  try {
    const { refusal } = await ask(engine, { ...purpose, deadlineMs: START_MS }, () => outcome([304, 400, 500], container.start()))
    // Where another has started it meanwhile, it has reported to the other.
    if (refusal?.status === 304) return inspected
    const failure = refusal ? refusal.message : await ask(engine, { ...purpose, deadlineMs: READY_MS }, () => failureOf(attached))
    if (failure !== undefined) throw startFailure(failure, image.name)
    return inspected
  } finally {
    attached.destroy()
  }
}

/** Reads what the first process says, from before its start: `undefined` when it runs, else what was said instead. */
async function failureOf(attached: Socket): Promise<string | undefined> {
  let said = ''
  for await (const { bytes } of frames(bytesOf(attached))) {
    said += Buffer.from(bytes).toString('utf8')
    if (said === 'ready\n') return undefined
    if (said.length > MOST_CHARACTERS) break
  }
  return said
}

/** Gives folders to their owners. */
async function giveFolders({ engine, settings, image, request }: Creation, id: string): Promise<void> {
  const { signal } = request
  const owner = await ownerOf(engine, id, image.user, signal)
  const folder = (path: string, mode: number): Member => ({ path, mode, ...owner })
  const control = [folder(CONTROL, 0o700), { path: LEASE, mode: 0o700, uid: KEEPER, gid: KEEPER }]
  const workspace = folder(WORKSPACE, 0o755)
  const home = folder(homeIn(settings.readOnlyRoot), 0o700)
  const put = (below: string, members: readonly Member[]): Promise<void> =>
    putMembers(engine, { operation: OPERATION, id, signal }, below, members)
  if (settings.readOnlyRoot) await Promise.all([put(VOLUME, [...control, home]), put(WORKSPACE, [workspace])])
  else {
    const hosts = isUnplugged(settings, request) ? [{ path: '/etc/hosts', mode: 0o644, uid: 0, gid: 0, content: HOSTS }] : []
    // The files of a snapshot are as they were.
    await put('/', [...control, ...(request.from ? [] : [workspace, home]), ...hosts])
  }
}

/** Refuses a container that is less closed than was asked for. */
function verify({ HostConfig }: ContainerInspectInfo, { egress }: CreateRequest): void {
  const network = HostConfig.NetworkMode
  const missing = [
    ...(egress === 'none' && network !== 'none' ? [`a closed network (it has "${network}")`] : []),
    ...(HostConfig.Privileged ? ['its limits: it is privileged'] : []),
  ]
  if (missing.length > 0) throw errors.startFailed(`The container came without ${missing.join(', ')}`, 'Use another engine.')
}
