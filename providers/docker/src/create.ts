import { type CreateRequest, isRingfenceError, type RuntimeContext, randomId, throwIfAborted } from '@ringfence/core'
import { inspectContainer, isRunning, labelOf, removeContainer, removeEnded } from './container.ts'
import type { Answer, Engine } from './engine.ts'
import { errors, refused, startFailure } from './errors.ts'
import type { Image, Images } from './image.ts'
import { at, textAt } from './json.ts'
import type { Settings } from './options.ts'
import { failureOf } from './ready.ts'
import { FOLDERS, KEEPER, VOLUME, WORKSPACE } from './scripts.ts'
import { containerSpec, LABELS, nameOf, specDigest, userOf } from './spec.ts'
import { type Folder, folderArchive } from './tar.ts'
import { ownerOf } from './user.ts'

/** A container that runs, and whether this call made it. */
export interface Made {
  readonly inspected: unknown
  readonly fresh: boolean
}

/** A container that has the name of the intent. */
interface Claim {
  readonly id: string
  readonly ours: boolean
  readonly running: boolean
}

const OPERATION = 'sandbox.create'
const START_MS = 180_000
const PAUSE_MS = 50
/** How long a name may be held by a container that has ended, in milliseconds. */
const HELD_MS = 120_000

interface Creation {
  readonly engine: Engine
  readonly settings: Settings
  readonly request: CreateRequest
  readonly image: Image
  /** Tells what this call made from what another made. */
  readonly creation: string
  readonly name: string
}

/** Makes the container of an intent and starts it, or finds the one that is there or being made. */
export async function createContainer(
  engine: Engine,
  images: Images,
  settings: Settings,
  request: CreateRequest,
  context: RuntimeContext,
): Promise<Made> {
  const { ref, signal } = request
  const image = await images.get(settings.image, signal)
  const creation: Creation = { engine, settings, request, image, creation: randomId(context.random, 'c'), name: nameOf(ref) }
  const begun = context.clock.monotonic()
  for (;;) {
    throwIfAborted(signal)
    const claim = await claimName(creation)
    if (!claim) {
      if (context.clock.monotonic() - begun > HELD_MS)
        throw errors.startFailed(
          `The container "${creation.name}" has ended and is not removed`,
          'Remove it: "docker rm -f -v" and its name.',
        )
      await context.clock.sleep(PAUSE_MS, { signal })
      continue
    }
    try {
      const inspected = claim.running ? undefined : await start(creation, claim)
      const there = inspected ?? (await inspectContainer(engine, claim.id, OPERATION, signal))
      if (isRunning(there)) return { inspected: there, fresh: claim.ours }
      if (claim.ours) throw startFailure('it ended while it started', settings.image)
    } catch (error) {
      if (claim.ours) await discard(creation, claim.id, error)
      // What another made and gave up meanwhile is made anew.
      if (claim.ours || !isRingfenceError(error, 'sandbox.gone')) throw error
    }
  }
}

/** The container of the name; `undefined` when one that has ended had it, which is gone now. */
async function claimName(creation: Creation): Promise<Claim | undefined> {
  const { settings, name } = creation
  let answer: Answer
  try {
    answer = await requestContainer(creation)
  } catch (error) {
    // Whether there is a container now is not known: it is looked for, and asked for once more.
    if (!isRingfenceError(error, 'provider.failed')) throw error
    const claim = await foundByName(creation).catch(() => undefined)
    if (claim) return claim
    answer = await requestContainer(creation).catch(async () => {
      throw error
    })
  }
  const { status, body, message } = answer
  if (status < 300) return { id: textAt(body, 'Id'), ours: true, running: false }
  if (status === 409) return foundByName(creation)
  if (status === 400 && !/runtime/i.test(message))
    throw errors.invalid(OPERATION, `The engine refuses: "${message}"`, 'Correct the option or the limit.')
  if (status === 404 || status === 400 || status === 500) throw startFailure(message, settings.image)
  throw refused(OPERATION, { status, message }, name)
}

/** The signal is looked at afterwards: a request that is cut may be carried out all the same. */
function requestContainer({ engine, settings, request, image, creation, name }: Creation): Promise<Answer> {
  return engine.call({
    method: 'POST',
    path: '/containers/create',
    query: { name },
    body: containerSpec({ settings, request, image, creation }),
    operation: OPERATION,
    accept: [400, 404, 409, 500],
  })
}

async function foundByName({ engine, settings, request, creation, name }: Creation): Promise<Claim | undefined> {
  const inspected = await inspectContainer(engine, name, OPERATION)
  if (inspected === undefined) return undefined
  const id = textAt(inspected, 'Id')
  const { ref } = request
  if (labelOf(inspected, LABELS.intent) !== ref.intentId || labelOf(inspected, LABELS.run) !== ref.runId)
    throw errors.startFailed(`The container "${name}" is there and is none of Ringfence`, 'Rename it.')
  if (['exited', 'dead', 'removing'].includes(textAt(inspected, 'State', 'Status'))) {
    await removeEnded(engine, id, OPERATION)
    return undefined
  }
  if (labelOf(inspected, LABELS.spec) !== specDigest(settings, request))
    throw errors.invalid(
      OPERATION,
      `The intent "${ref.intentId}" has a sandbox already, which was asked for with another image, user, network or limits`,
      'Ask for the same, or give the new sandbox an intent of its own.',
    )
  return { id, ours: labelOf(inspected, LABELS.creation) === creation, running: isRunning(inspected) }
}

/**
 * Starts a container. Also one that another made: each step may be done twice, and whoever comes first lets the other
 * go on. So nobody waits for a creator that has died.
 *
 * @returns what the engine says of it, once it runs.
 */
async function start(creation: Creation, { id }: Claim): Promise<unknown> {
  const { engine, settings, request } = creation
  const { signal } = request
  const attached = await engine.upgrade({
    method: 'POST',
    path: `/containers/${id}/attach`,
    query: { stream: 1, stdout: 1, stderr: 1 },
    operation: OPERATION,
    id,
    signal,
  })
  try {
    await giveFolders(creation, id)
    const { status, message } = await engine.call({
      method: 'POST',
      path: `/containers/${id}/start`,
      operation: OPERATION,
      id,
      accept: [400, 500],
      deadlineMs: START_MS,
      signal,
    })
    if (status >= 400) throw startFailure(message, settings.image)
    if (status !== 304) {
      const failure = await failureOf(engine, attached, signal)
      if (failure !== undefined) throw startFailure(failure, settings.image)
    }
  } finally {
    attached.destroy()
  }
  const inspected = await inspectContainer(engine, id, OPERATION, signal)
  verify(inspected, creation)
  return inspected
}

/** Gives the workspace and the folders of the volume to their owners, with the rights of the engine. */
async function giveFolders({ engine, settings, image, request }: Creation, id: string): Promise<void> {
  const { signal } = request
  const owner = await ownerOf(engine, id, userOf(settings, image), signal)
  const keeper = { uid: KEEPER, gid: KEEPER }
  const put = (path: string, archive: Buffer): Promise<Answer> =>
    engine.call({ method: 'PUT', path: `/containers/${id}/archive`, query: { path }, archive, operation: OPERATION, id, signal })
  const own = (below: string): Folder[] => FOLDERS.map(({ name, mode, kept }) => ({ name: below + name, mode, ...(kept ? keeper : owner) }))
  const workspace = { mode: 0o755, ...owner }
  if (!settings.readOnlyRoot) {
    await put('/', folderArchive([...own(`${VOLUME.slice(1)}/`), { name: `${WORKSPACE.slice(1)}/`, ...workspace }]))
    return
  }
  // Below a read-only root the workspace is a volume of its own, whose root is named "/" in its archive.
  await put(VOLUME, folderArchive(own('')))
  await put(WORKSPACE, folderArchive([{ name: '/', ...workspace }]))
}

/** Refuses a container that is less closed than was asked for. */
function verify(inspected: unknown, { request }: Creation): void {
  const network = textAt(inspected, 'HostConfig', 'NetworkMode')
  const missing = [
    ...(request.egress === 'none' && network !== 'none' ? [`a closed network (it has "${network}")`] : []),
    ...(at(inspected, 'HostConfig', 'Privileged') === true ? ['its limits: it is privileged'] : []),
  ]
  if (inspected !== undefined && missing.length > 0)
    throw errors.startFailed(`The container came without ${missing.join(', ')}`, 'Use another engine.')
}

/** Removes what this call made, after a failure or an abort. */
async function discard({ engine, request }: Creation, id: string, error: unknown): Promise<void> {
  try {
    await removeContainer(engine, id, OPERATION)
  } catch (cause) {
    throwIfAborted(request.signal)
    const why = error instanceof Error ? error.message : String(error)
    throw errors.failed(OPERATION, `${why}. Its container "${id}" could not be removed; it ends with its lifetime if it was started`, cause)
  }
}
