import { type CreateRequest, isRingfenceError, randomId, type Sandbox, throwIfAborted } from '@ringfence/core'
import type { ContainerInspectInfo } from 'dockerode'
import { inspectContainer, isRunning, labelOf, removeContainer } from './container.ts'
import { ask, type Engine, type Outcome, outcome } from './engine.ts'
import { errors, saidBy, startFailure } from './errors.ts'
import { isOver } from './lease.ts'
import type { Settings } from './options.ts'
import { containerSpec, type Image, LABELS, nameOf, specDigest } from './spec.ts'
import { type Creation, startContainer } from './start.ts'

const OPERATION = 'sandbox.create'
const PAUSE_MS = 50
/** How long a name may be held by a container that has ended, in milliseconds. */
const HELD_MS = 120_000

/** A container that has the name of the intent. */
interface Claim {
  readonly id: string
  /** Whether this call made it. */
  readonly ours: boolean
  /** There when it was found by its name. */
  readonly found?: ContainerInspectInfo
}

export interface CreateOptions<S extends Sandbox> {
  readonly engine: Engine
  readonly settings: Settings
  readonly request: CreateRequest
  readonly image: Image
  attach(inspected: ContainerInspectInfo): S
  /** Attaches to one that another made. */
  takeUp(inspected: ContainerInspectInfo): Promise<S>
}

/** Makes the container of an intent and starts it, or finds the one that is there or being made. */
export async function createContainer<S extends Sandbox>({ attach, takeUp, ...options }: CreateOptions<S>): Promise<S> {
  const { engine, request, image } = options
  const { clock, random } = engine.context
  const creation: Creation = { ...options, creation: randomId(random, 'c'), name: nameOf(request.ref) }
  const begun = clock.monotonic()
  for (;;) {
    throwIfAborted(request.signal)
    const claim = await claimName(creation)
    try {
      if (claim) {
        const { id, ours, found } = claim
        const inspected = found && isRunning(found) ? found : await startContainer(creation, id)
        return ours ? attach(inspected) : await takeUp(inspected)
      }
    } catch (error) {
      if (claim?.ours) await discard(creation, claim.id, error)
      // What another made and gave up meanwhile is made anew.
      if (!isRingfenceError(error, 'sandbox.gone')) throw error
      if (claim?.ours) throw startFailure('it ended while it started', image.name)
    }
    if (clock.monotonic() - begun > HELD_MS)
      throw errors.startFailed(
        `The container "${creation.name}" has ended and is not removed`,
        'Remove it: "docker rm -f -v" and its name.',
      )
    await clock.sleep(PAUSE_MS, { signal: request.signal })
  }
}

/** The container of the name; `undefined` when one that has ended had it, which is gone now. */
async function claimName(creation: Creation): Promise<Claim | undefined> {
  const { image } = creation
  let made: Outcome<{ readonly id: string }>
  try {
    made = await requestContainer(creation)
  } catch (error) {
    // Whether there is a container now is not known: it is looked for, and asked for once more.
    if (!isRingfenceError(error, 'provider.failed')) throw error
    const claim = await foundByName(creation).catch(() => undefined)
    if (claim) return claim
    made = await requestContainer(creation).catch(() => {
      throw error
    })
  }
  const { answer, refusal } = made
  if (!refusal) return { id: answer.id, ours: true }
  if (refusal.status === 409) return foundByName(creation)
  if (refusal.status === 400 && !/runtime/i.test(refusal.message))
    throw errors.invalid(OPERATION, `The engine refuses: "${refusal.message}"`, 'Correct the option or the limit.')
  throw startFailure(refusal.message, image.name)
}

/** The signal is looked at afterwards: a request that is cut may be carried out all the same. */
function requestContainer({ engine, name, ...spec }: Creation): Promise<Outcome<{ readonly id: string }>> {
  const options = { name, _query: { name }, _body: containerSpec(spec) }
  return ask(engine, { operation: OPERATION }, () => outcome([400, 404, 409, 500], engine.client.createContainer({ ...options })))
}

async function foundByName({ engine, settings, request, creation, name }: Creation): Promise<Claim | undefined> {
  const found = await inspectContainer(engine, name, OPERATION)
  if (!found) return undefined
  const { ref } = request
  if (labelOf(found, LABELS.intent) !== ref.intentId || labelOf(found, LABELS.run) !== ref.runId)
    throw errors.startFailed(`The container "${name}" is there and is none of Ringfence`, 'Rename it.')
  const { Id: id, State } = found
  if (State.Status !== 'created' && (await isOver(engine, found, OPERATION))) {
    await removeContainer(engine, id, OPERATION)
    return undefined
  }
  if (labelOf(found, LABELS.spec) !== specDigest(settings, request))
    throw errors.invalid(
      OPERATION,
      `The intent "${ref.intentId}" has a sandbox already, which was asked for with another image, user, network, limits or snapshot`,
      'Ask for the same, or give the new sandbox an intent of its own.',
    )
  return { id, ours: labelOf(found, LABELS.creation) === creation, found }
}

/** Removes what this call made, after a failure or an abort. */
async function discard({ engine, request }: Creation, id: string, error: unknown): Promise<void> {
  try {
    await removeContainer(engine, id, OPERATION)
  } catch (cause) {
    throwIfAborted(request.signal)
    throw errors.failed(
      OPERATION,
      `${saidBy(error)}. Its container "${id}" could not be removed; it ends with its lifetime if it was started`,
      cause,
    )
  }
}
