import { isRingfenceError, throwIfAborted } from '@ringfence/core'
import { openContext } from './context.ts'
import { ask, type Engine, streamOf } from './engine.ts'
import { errors, saidBy } from './errors.ts'
import { type EngineEvent, eventsOf } from './events.ts'
import type { BuildSettings } from './options.ts'
import type { Report, Wanted } from './share.ts'

const REPOSITORY = 'ringfence-build'
const LABEL = 'dev.ringfence.build'
/** How long an engine may take the context until it begins to build, in milliseconds. */
const BEGIN_MS = 600_000
const LAST_LINES = 20

/**
 * The image that is built from a folder. Its name is a digest of all that is sent and asked for, so that the same is built once.
 *
 * @throws `config.invalid` for a folder that is missing or cannot be read, and a Dockerfile that is not in it.
 */
export async function builtImage(engine: Engine, settings: BuildSettings, signal: AbortSignal | undefined): Promise<Wanted<void>> {
  const { digest: tag, archive } = await openContext(settings, signal)
  return {
    name: `${REPOSITORY}:${tag}`,
    async work(report, stop) {
      const { dockerfile, target, args } = settings
      const stages = target === null ? {} : { target }
      const how = { dockerfile, ...stages, buildargs: args, labels: { [LABEL]: tag }, rm: true, forcerm: true }
      const { bytes, digest } = archive()
      const last: string[] = []
      let id = ''
      try {
        const stream = await ask(engine, { operation: 'sandbox.create', signal: stop, deadlineMs: BEGIN_MS }, async () =>
          streamOf(await engine.client.buildImage(bytes, { ...how })),
        )
        for await (const event of eventsOf(stream, stop)) {
          id = event.aux?.ID ?? id
          tellStep(event, report)
          last.push(...(event.stream ?? '').split('\n').filter((line) => line.trim() !== ''))
          last.splice(0, last.length - LAST_LINES)
        }
        if (id === '') throw failed('The engine does not tell which image it has built')
        if (digest() !== tag) throw failed('The context changed while it was sent')
        await ask(engine, { operation: 'sandbox.create', signal: stop }, () => engine.client.getImage(id).tag({ repo: REPOSITORY, tag }))
      } catch (error) {
        throwIfAborted(stop)
        if (isRingfenceError(error) && error.code !== 'provider.failed') throw error
        throw failed([...last, saidBy(error)].join('\n'), error)
      } finally {
        bytes.destroy()
      }
    },
  }
}

/** The engine says `Step 2/5 : RUN make` when it begins with one. */
function tellStep({ stream = '' }: EngineEvent, report: Report): void {
  const [message, step, steps] = /^Step (\d+)\/(\d+) : [^\n]*/.exec(stream) ?? []
  if (message !== undefined) report({ stage: 'building', message, fraction: (Number(step) - 1) / Number(steps) })
}

const failed = (said: string, cause?: unknown): Error =>
  errors.startFailed(
    `The image could not be built:\n${said}`,
    'Mend what the last lines say; "docker build" of the same folder says the same.',
    cause,
  )
