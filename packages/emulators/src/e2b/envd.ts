import type { IncomingMessage } from 'node:http'
import { type Answer, parseFields, Refused, readBody, refusal } from './answer.ts'
import { ConnectFailure, failedStream, firstMessage } from './connect.ts'
import { download, upload } from './files.ts'
import { FILESYSTEM_PROCEDURES } from './filesystem.ts'
import { PROCESS_PROCEDURES } from './process-service.ts'
import type { Sandbox, Sandboxes } from './sandboxes.ts'

const DEFAULT_USER = 'user'
const KEEP_ALIVE_SECONDS = 90
const SERVICES = { 'process.Process': PROCESS_PROCEDURES, 'filesystem.Filesystem': FILESYSTEM_PROCEDURES }

/** What the proxy says of a sandbox that does not run. */
export const notRunning = (sandboxId: string): Answer => ({
  status: 502,
  body: { sandboxId, message: 'The sandbox was not found', code: 502 },
})

/** Answers a request of the data plane. */
export async function envd(sandboxes: Sandboxes, id: string, request: IncomingMessage, url: URL): Promise<Answer> {
  const sandbox = sandboxes.all.get(id)
  if (sandbox?.state !== 'running') return notRunning(id)
  if (url.pathname === '/health') return { status: 204 }
  if (request.headers['x-access-token'] !== sandbox.token) return refusal(401, 'unauthorized access, please provide a valid access token')
  if (url.pathname === '/files') return files(sandbox, request, url)
  return procedure(sandbox, request, url.pathname)
}

async function files(sandbox: Sandbox, request: IncomingMessage, url: URL): Promise<Answer> {
  const user = url.searchParams.get('username') ?? DEFAULT_USER
  const path = url.searchParams.get('path') ?? undefined
  try {
    if (request.method === 'GET') return await download(sandbox, user, path ?? '')
    return await upload(sandbox, user, path, request)
  } catch (error) {
    if (error instanceof ConnectFailure) return refusal(error.code === 'unauthenticated' ? 401 : 400, error.said)
    throw error
  }
}

async function procedure(sandbox: Sandbox, request: IncomingMessage, path: string): Promise<Answer> {
  const [, service = '', name = ''] = path.split('/')
  const known = Object.entries(SERVICES).find(([one]) => one === service)?.[1][name]
  if (!known) return refusal(404, '404 page not found')
  try {
    const body = await readBody(request)
    const message = parseFields(known.streams ? firstMessage(body) : body)
    const timeout = Number(request.headers['connect-timeout-ms'] ?? Number.NaN)
    const keepAliveMs = (Number(request.headers['keepalive-ping-interval']) || KEEP_ALIVE_SECONDS) * 1000
    const timeoutMs = Number.isFinite(timeout) ? timeout : undefined
    return await known.run({ sandbox, user: userOf(request), message, timeoutMs, keepAliveMs })
  } catch (error) {
    if (error instanceof ConnectFailure && known.streams) return failedStream(error)
    if (error instanceof Refused) throw error
    // The sandbox has ended meanwhile.
    return notRunning(sandbox.id)
  }
}

function userOf({ headers }: IncomingMessage): string {
  const [, basic = ''] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? []
  return Buffer.from(basic, 'base64').toString().split(':')[0] || DEFAULT_USER
}
