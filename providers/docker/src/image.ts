import type { Readable } from 'node:stream'
import { abortable, isRingfenceError, throwIfAborted } from '@ringfence/core'
import type { Engine } from './engine.ts'
import { errors } from './errors.ts'
import { at, textAt } from './json.ts'

/** What is used of an image. */
export interface Image {
  readonly id: string
  /** The user that it names; empty for root. */
  readonly user: string
}

export interface Images {
  /**
   * The image, pulled when the engine does not have it. Those who wait for one image at once share one pull, which ends
   * when the last of them has gone away.
   *
   * @throws `sandbox.start-failed` when it cannot be had, `config.invalid` when its name is none.
   */
  get(name: string, signal: AbortSignal | undefined): Promise<Image>
}

/** How long an engine may look for the image before its progress begins, in milliseconds. */
const BEGIN_MS = 300_000

interface Pull {
  readonly done: Promise<void>
  readonly stop: AbortController
  waiting: number
}

/** The images of an engine. */
export function openImages(engine: Engine): Images {
  const pulls = new Map<string, Pull>()

  const find = async (name: string, signal: AbortSignal | undefined): Promise<Image | undefined> => {
    const path = `/images/${encodeURIComponent(name)}/json`
    const { status, body, message } = await engine.call({
      method: 'GET',
      path,
      operation: 'sandbox.create',
      accept: [400, 404, 500],
      signal,
    })
    if (status === 404) return undefined
    if (status >= 400) throw invalidName(name, message)
    return { id: textAt(body, 'Id'), user: textAt(body, 'Config', 'User') }
  }

  const join = (name: string): Pull => {
    const running = pulls.get(name)
    if (running) return running
    const stop = new AbortController()
    const done = pull(engine, name, stop.signal).finally(() => {
      if (pulls.get(name)?.stop === stop) pulls.delete(name)
    })
    // Each who waits hears of it; when nobody waits any more, nobody has to.
    done.catch(() => undefined)
    const started: Pull = { done, stop, waiting: 0 }
    pulls.set(name, started)
    return started
  }

  return {
    async get(name, signal) {
      const there = await find(name, signal)
      if (there) return there
      throwIfAborted(signal)
      const one = join(name)
      one.waiting += 1
      try {
        await abortable(one.done, signal)
      } finally {
        one.waiting -= 1
        if (one.waiting === 0) {
          if (pulls.get(name) === one) pulls.delete(name)
          one.stop.abort()
        }
      }
      const pulled = await find(name, signal)
      if (!pulled) throw notHad(name, 'the engine does not know it after the pull')
      return pulled
    },
  }
}

/** Pulls, and reads the progress to its end, as lines of JSON. One of them may say that it failed. */
async function pull(engine: Engine, name: string, signal: AbortSignal): Promise<void> {
  let stream: Readable | undefined
  const hangUp = (): void => void stream?.destroy()
  signal.addEventListener('abort', hangUp, { once: true })
  let rest = ''
  try {
    const query = { fromImage: withTag(name) }
    stream = await engine.stream({
      method: 'POST',
      path: '/images/create',
      query,
      operation: 'sandbox.create',
      signal,
      deadlineMs: BEGIN_MS,
    })
    for await (const chunk of stream) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) checkProgress(name, line)
    }
    checkProgress(name, rest)
  } catch (error) {
    throwIfAborted(signal)
    if (isRingfenceError(error) && error.code !== 'provider.failed') throw error
    throw notHad(name, error instanceof Error ? error.message.replace(/^docker: /, '') : String(error), error)
  } finally {
    signal.removeEventListener('abort', hangUp)
    stream?.destroy()
  }
}

function checkProgress(name: string, line: string): void {
  if (line.trim() === '') return
  let message: unknown
  try {
    const event: unknown = JSON.parse(line)
    message = at(event, 'errorDetail', 'message') ?? at(event, 'error')
  } catch (cause) {
    throw notHad(name, `the engine reports its progress in no JSON: "${line.slice(0, 200)}"`, cause)
  }
  if (message !== undefined) throw notHad(name, String(message))
}

/** Without a tag an engine would take every tag there is. */
function withTag(name: string): string {
  const last = name.slice(name.lastIndexOf('/') + 1)
  return /[:@]/.test(last) ? name : `${name}:latest`
}

function notHad(name: string, why: string, cause?: unknown): Error {
  if (/invalid reference format|invalid repository name/i.test(why)) return invalidName(name, why)
  return errors.startFailed(
    `The engine does not have the image "${name}", and could not pull it: ${why}`,
    `Check its name and the registry, or bring it to the engine yourself ("docker pull ${name}", "docker load").`,
    cause,
  )
}

function invalidName(name: string, why: string): Error {
  return errors.invalid('sandbox.create', `The image "${name}" is no name of an image: ${why}`, 'Write it as in "debian:bookworm-slim".')
}
