import { type NativeSnapshot, RingfenceError, randomId, type SnapshotFacet, throwIfAborted } from '@ringfence/core'
import type { ContainerInspectInfo, ImageInspectInfo } from 'dockerode'
import { labelOf } from './container.ts'
import { ask, type Engine, outcome } from './engine.ts'
import { errors } from './errors.ts'
import type { Gate } from './gate.ts'
import type { Settings } from './options.ts'
import { type Image, LABELS, SNAPSHOT_LABELS } from './spec.ts'

const REPOSITORY = 'ringfence-snapshot'
/** A name of ours, as engines write it out. */
const NAME = /^(?:docker\.io\/library\/|localhost\/)?ringfence-snapshot:/
const ID = /^sha256:[0-9a-f]{64}$/
/** The name of what was given up while a container needed it. */
const GIVEN_UP = 'ringfence-given-up'
/** How long an engine may write, in milliseconds. */
const COMMIT_MS = 600_000

/** Snapshots of a container as images of its engine. `check` throws when the handle is closed. */
export function snapshotsOf(
  engine: Engine,
  inspected: ContainerInspectInfo,
  gate: Gate,
  check: (operation: string) => void,
): SnapshotFacet {
  const operation = 'snapshot.take'
  const { Id: id } = inspected
  return {
    async take({ signal } = {}) {
      check(operation)
      throwIfAborted(signal)
      const tag = randomId(engine.context.random, 's')
      const labels = {
        // Whoever makes a container of the image by hand gets none of ours.
        ...Object.fromEntries(Object.values(LABELS).map((label) => [label, ''])),
        [SNAPSHOT_LABELS.installation]: labelOf(inspected, LABELS.installation),
        [SNAPSHOT_LABELS.run]: labelOf(inspected, LABELS.run),
        [SNAPSHOT_LABELS.user]: labelOf(inspected, LABELS.user),
      }
      const changes = Object.entries(labels).map(([name, value]) => `LABEL ${name}="${value}"`)
      // Podman wants a body, and looks at the changes alone.
      const options = { _query: { container: id, repo: REPOSITORY, tag, pause: true, changes }, _body: { Labels: {} } }
      try {
        // It cannot be cut off: what is asked for is done. So an abort waits for it, and gives it up.
        const { Id }: { Id: string } = await gate.quietly(operation, () =>
          ask(engine, { operation, id, deadlineMs: COMMIT_MS }, () => engine.client.getContainer(id).commit({ ...options })),
        )
        throwIfAborted(signal)
        return { provider: 'docker', id: `sha256:${Id.replace('sha256:', '')}`, data: {} }
      } catch (error) {
        // The first error tells more than one of the clean-up.
        await removeName(engine, `${REPOSITORY}:${tag}`, operation).catch(() => undefined)
        throwIfAborted(signal)
        throw error
      }
    },
  }
}

/**
 * The image of a snapshot, which is never pulled.
 *
 * @throws `snapshot.not-found`, `config.invalid` for an image that is none, and for another user than it was taken of.
 */
export async function imageOfSnapshot(engine: Engine, snapshot: NativeSnapshot, { user: wanted }: Settings): Promise<Image> {
  const operation = 'sandbox.create'
  const { id } = snapshot
  const image = await findSnapshot(engine, snapshot, operation)
  // One without its name was given up, and is there for the containers that were made of it.
  if (!image || namesOf(image).length === 0)
    throw new RingfenceError('snapshot.not-found', `The engine at "${engine.where}" has no image "${id}"`, {
      provider: 'docker',
      operation,
      hint: 'It was deleted, or another engine has it.',
      effect: 'none',
    })
  const user = image.Config.Labels[SNAPSHOT_LABELS.user] ?? ''
  if (wanted !== undefined && wanted !== user)
    throw errors.invalid(
      operation,
      `The snapshot is one of a sandbox of the user "${user}", to whom the files belong; "${wanted}" is asked for`,
      `Leave the option user out, or set it to "${user}".`,
    )
  return { id: image.Id, name: id, user }
}

/** Gives up the image of a snapshot. Where a container needs it, it loses its name, and goes when it is needed no more. */
export async function deleteSnapshot(engine: Engine, snapshot: NativeSnapshot): Promise<void> {
  const operation = 'snapshot.delete'
  const image = await findSnapshot(engine, snapshot, operation)
  if (!image) return
  for (const name of namesOf(image)) {
    if (await removeName(engine, name, operation)) continue
    const tag = image.Id.replace('sha256:', '').slice(0, 32)
    await ask(engine, { operation }, () => engine.client.getImage(image.Id).tag({ repo: GIVEN_UP, tag }))
    await removeName(engine, name, operation)
  }
}

/** Removes the images of snapshots that were given up while a container needed them, and that are needed no more. */
export async function sweepGivenUp(engine: Engine, installation: string, signal: AbortSignal | undefined): Promise<void> {
  const operation = 'sandbox.create'
  const filters = { reference: [GIVEN_UP], label: [`${SNAPSHOT_LABELS.installation}=${installation}`] }
  const images = await ask(engine, { operation, signal }, () => engine.client.listImages({ filters }))
  for (const name of images.flatMap(({ RepoTags }) => RepoTags ?? []))
    if (name.includes(`${GIVEN_UP}:`)) await removeName(engine, name, operation)
}

const namesOf = ({ RepoTags }: ImageInspectInfo): string[] => (RepoTags ?? []).filter((name) => NAME.test(name))

/** Removes a name, and the image with its last one. False where a container needs it: by force it could lose it. */
async function removeName(engine: Engine, name: string, operation: string): Promise<boolean> {
  const { refusal } = await ask(engine, { operation }, () => outcome([404, 409], engine.client.getImage(name).remove()))
  return refusal?.status !== 409
}

/** An id may have been altered on its way: what is no snapshot of ours is neither used nor removed. */
async function findSnapshot(engine: Engine, { id }: NativeSnapshot, operation: string): Promise<ImageInspectInfo | undefined> {
  const invalid = (): Error =>
    errors.invalid(operation, `The image "${id}" is no snapshot of a sandbox`, 'Hand on what was taken as it is.')
  if (!ID.test(id)) throw invalid()
  const { answer } = await ask(engine, { operation }, () => outcome([404], engine.client.getImage(id).inspect()))
  if (answer && !answer.Config.Labels?.[SNAPSHOT_LABELS.installation]) throw invalid()
  return answer
}
