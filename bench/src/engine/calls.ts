import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { ClientRequest } from 'node:http'
import type { Phase } from '../scenario.ts'

const STARTED = 'http.client.request.start'
const FINISHED = 'http.client.response.finish'

/** What an engine was asked for, without what differs from sandbox to sandbox. */
function nameOf({ method, path }: ClientRequest): string {
  const [place = ''] = path.split('?')
  return `the engine: ${method} ${place.replace(/\/[0-9a-f]{64}/, '/…').replace(/\/images\/.*\/json/, '/images/…/json')}`
}

function requestOf(message: unknown): ClientRequest | undefined {
  if (typeof message !== 'object' || message === null || !('request' in message)) return undefined
  return message.request instanceof ClientRequest ? message.request : undefined
}

/**
 * Does something and tells how long each request of this process took meanwhile: until its whole answer was there, or its connection
 * was handed over. Requests that were made at once overlap.
 */
export async function callsOf(work: () => Promise<void>): Promise<readonly Phase[]> {
  const begun = new Map<ClientRequest, number>()
  const phases: Phase[] = []
  const end = (request: ClientRequest): void => {
    const since = begun.get(request)
    if (since === undefined) return
    begun.delete(request)
    phases.push({ name: nameOf(request), ms: performance.now() - since })
  }
  const onStart = (message: unknown): void => {
    const request = requestOf(message)
    if (!request) return
    begun.set(request, performance.now())
    request.once('upgrade', () => end(request))
  }
  const onFinish = (message: unknown): void => {
    const request = requestOf(message)
    if (request) end(request)
  }
  subscribe(STARTED, onStart)
  subscribe(FINISHED, onFinish)
  try {
    await work()
  } finally {
    unsubscribe(STARTED, onStart)
    unsubscribe(FINISHED, onFinish)
  }
  return phases
}
