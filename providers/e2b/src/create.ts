import { type CreateRequest, isRingfenceError, randomId, type SandboxOf, throwIfAborted } from '@ringfence/core'
import { ask, type Client, callOptions } from './client.ts'
import { type Control, controlOf, type Found, type Paused } from './control.ts'
import { errors, failureOf, notFound } from './errors.ts'
import { linkOf } from './link.ts'
import { CREATION, intentOf, SPEC, specOf } from './metadata.ts'
import type { E2bProfile } from './profile.ts'
import { attach } from './sandbox.ts'
import { checkSnapshotId } from './snapshot.ts'

type Made = SandboxOf<E2bProfile>

const OPERATION = 'sandbox.create'
/** How often one is taken up that ends meanwhile. */
const ATTEMPTS = 3

interface Creation {
  readonly client: Client
  readonly control: Control
  readonly paused: Paused
  readonly request: CreateRequest
}

/** Makes the sandbox of an intent, or takes up the one that is there. */
export async function createSandbox(client: Client, paused: Paused, request: CreateRequest): Promise<Made> {
  if (request.from) checkSnapshotId(OPERATION, request.from)
  const creation: Creation = { client, control: controlOf(client), paused, request }
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(request.signal)
    try {
      const [found] = await creation.control.list(OPERATION, intentOf(request.ref), false, request.signal)
      return found ? await takeUp(creation, found) : await makeOne(creation)
    } catch (error) {
      // What another made and gave up meanwhile is made anew.
      if (!isRingfenceError(error, 'sandbox.gone') || attempt === ATTEMPTS) throw error
    }
  }
}

async function takeUp({ client, control, paused, request }: Creation, { sandboxId, metadata }: Found): Promise<Made> {
  const { ref, lifetimeMs, signal } = request
  if (metadata[SPEC] !== specOf(client.settings, request))
    throw errors.invalid(
      OPERATION,
      `The intent "${ref.intentId}" has a sandbox already, which was asked for with another template, network or snapshot`,
      'Ask for the same, or give the new sandbox an intent of its own.',
    )
  const sandbox = await control.connect(OPERATION, sandboxId, lifetimeMs, signal)
  return attach(linkOf(client, sandbox), { control, paused, lifetimeMs, isCopy: false })
}

async function makeOne(creation: Creation): Promise<Made> {
  const { client, control, paused, request } = creation
  const { ref, lifetimeMs, signal } = request
  const mark = randomId(client.context.random, 'c')
  let made: string | undefined
  try {
    const sandbox = await requestSandbox(creation, mark)
    made = sandbox.sandboxId
    throwIfAborted(signal)
    const [first] = await control.list(OPERATION, intentOf(ref), false, signal)
    if (first && first.sandboxId !== made) {
      // Another creator was earlier.
      await control.kill(OPERATION, made)
      made = undefined
      return await takeUp(creation, first)
    }
    const handle = await attach(linkOf(client, sandbox), { control, paused, lifetimeMs, isCopy: request.from !== undefined })
    throwIfAborted(signal)
    return handle
  } catch (error) {
    if (made === undefined) throw error
    await discard(creation, made, error)
    throw isRingfenceError(error, 'sandbox.gone') || (isRingfenceError(error, 'provider.failed') && error.effect === 'unknown')
      ? errors.startFailed(
          `The sandbox did not start: ${error.message}`,
          'Start again; give it a longer lifetime when it ended early.',
          error,
        )
      : error
  }
}

/** The signal is looked at afterwards: a request that is cut may be carried out all the same. */
async function requestSandbox({ client, control, request }: Creation, mark: string): Promise<Awaited<ReturnType<Control['connect']>>> {
  const { settings, sdk } = client
  const { ref, from, egress, lifetimeMs } = request
  const template = from?.id ?? settings.template
  const metadata = { ...settings.metadata, ...intentOf(ref), [CREATION]: mark, [SPEC]: specOf(settings, request) }
  try {
    return await ask(client, { operation: OPERATION }, (stop) =>
      sdk.create(template, { ...callOptions(client, stop), metadata, timeoutMs: lifetimeMs, allowInternetAccess: egress === 'open' }),
    )
  } catch (error) {
    if (!isRingfenceError(error, 'provider.failed')) throw error
    if (failureOf(error.cause).status === 404) throw notFound(from ? 'snapshot' : 'template', template, error.cause)
    // Nothing was made, or whether there is a sandbox now is not known: it is looked for by its mark.
    const lost = error.effect === 'none' ? undefined : (await control.list(OPERATION, { ...intentOf(ref), [CREATION]: mark }))[0]
    if (!lost) throw error
    try {
      return await control.connect(OPERATION, lost.sandboxId, lifetimeMs)
    } catch (cause) {
      await control.kill(OPERATION, lost.sandboxId)
      throw cause
    }
  }
}

/** Ends what this call made, after a failure or an abort. Tried again: nothing else ends it before its lifetime. */
async function discard({ control, request }: Creation, id: string, error: unknown): Promise<void> {
  try {
    await control.kill(OPERATION, id).catch(() => control.kill(OPERATION, id))
  } catch (cause) {
    throwIfAborted(request.signal)
    const why = error instanceof Error ? error.message : String(error)
    throw errors.failed(OPERATION, `${why}. The sandbox "${id}" could not be ended; it ends with its lifetime`, cause)
  }
}
