import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Fault, type Traffic, traffic } from '../kit/faults.ts'
import { type Answer, parseFields, Refused, readBody, refusal, send } from './answer.ts'
import { control, namedIn } from './control.ts'
import { envd, notRunning } from './envd.ts'
import { sandboxes as newSandboxes, type Sandboxes } from './sandboxes.ts'

export type { Fault } from '../kit/faults.ts'
export { whatIsMissing } from '../kit/isolated.ts'

export interface E2bEmulator {
  /** Where both planes are: `apiUrl` and `sandboxUrl` of the SDK. */
  readonly url: string
  readonly apiKey: string
  readonly traffic: Traffic
  /** The ids of the sandboxes that are there, running or paused. */
  ids(): readonly string[]
  snapshotIds(): readonly string[]
  /** Ends a sandbox from outside. */
  kill(id: string): Promise<void>
  close(): Promise<void>
}

const HTML = '<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>'

/** Starts the wire of E2B on a port of the loopback. Each sandbox is a root with real processes of its own. Needs root. */
export async function startE2bEmulator(): Promise<E2bEmulator> {
  const sandboxes = newSandboxes(['base'])
  const log = traffic()
  const apiKey = 'e2b_0123456789abcdef0123456789abcdef01234567'
  const server = createServer((request, response) => {
    answerTo({ sandboxes, log, apiKey }, request, response).catch(() => response.socket?.destroy())
  })
  server.requestTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    apiKey,
    traffic: log,
    ids: () => [...sandboxes.all.keys()],
    snapshotIds: () => [...sandboxes.snapshots.keys()],
    kill: async (id) => sandboxes.kill(sandboxes.get(id)),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
      await sandboxes.close()
    },
  }
}

interface Service {
  readonly sandboxes: Sandboxes
  readonly log: Traffic
  readonly apiKey: string
}

async function answerTo(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { sandboxes, log } = service
  const url = new URL(request.url ?? '/', 'http://emulator')
  const inside = request.headers['e2b-sandbox-id']
  const id = typeof inside === 'string' ? inside : undefined
  const fault = log.next(request.method ?? '', url.pathname)
  const named = sandboxes.all.get(id ?? namedIn(url.pathname) ?? '')
  if (fault?.when === 'before' && fault.kind !== 'death') return goWrong(fault, response)
  if (fault?.kind === 'death' && fault.when === 'before' && named) await sandboxes.kill(named)
  const sandbox = id === undefined ? undefined : sandboxes.all.get(id)
  if (sandbox) {
    sandbox.open.add(response)
    response.on('close', () => sandbox.open.delete(response))
  }
  const answer = await handle(service, request, url, id)
  if (fault?.when === 'after' && fault.kind !== 'death') return goWrong(fault, response)
  // It was stopped meanwhile, and its connections are cut.
  if (sandbox?.state === 'paused') return send(response, notRunning(sandbox.id))
  send(response, answer)
  if (fault?.kind === 'death' && fault.when === 'after' && named) await sandboxes.kill(named)
}

async function handle({ sandboxes, apiKey }: Service, request: IncomingMessage, url: URL, id: string | undefined): Promise<Answer> {
  try {
    if (id !== undefined) return await envd(sandboxes, id, request, url)
    if (request.headers['x-api-key'] !== apiKey) return refusal(401, 'Invalid API key, please visit https://e2b.dev/docs/api-key')
    const body = parseFields(await readBody(request))
    return await control(sandboxes, { method: request.method ?? '', path: url.pathname, query: url.searchParams, body })
  } catch (error) {
    if (error instanceof Refused) return error.answer
    return refusal(500, error instanceof Error ? error.message : String(error))
  }
}

/** An answer that is no right one. `stall` never comes: whoever asked has to end it. */
function goWrong({ kind, retryAfter }: Fault, response: ServerResponse): void {
  if (kind === 'drop') response.socket?.destroy()
  else if (kind === 'error') send(response, refusal(500, 'Internal server error'))
  else if (kind === 'html') send(response, { status: 502, headers: { 'content-type': 'text/html' }, body: Buffer.from(HTML) })
  else if (kind === 'rate-limit') {
    const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
    send(response, { status: 429, headers, body: { code: 429, message: 'Rate limit exceeded' } })
  }
}
