import { type Answer, type Fields, fieldsOf, numberOf, Refused, refusal, textOf, textsOf } from './answer.ts'
import { MAX_SECONDS, type Sandbox, type Sandboxes } from './sandboxes.ts'

export interface ControlRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly body: Fields
}

const ENVD_VERSION = '0.6.13'
const DEFAULT_SECONDS = 300
const PAGE = 100

const common = ({ id, template }: Sandbox): Fields => ({
  sandboxID: id,
  templateID: template,
  alias: template,
  clientID: 'emulator',
  envdVersion: ENVD_VERSION,
})

const created = (sandbox: Sandbox): Fields => ({ ...common(sandbox), envdAccessToken: sandbox.token, domain: null })

const listed = (sandbox: Sandbox): Fields => ({
  ...common(sandbox),
  startedAt: new Date(sandbox.startedAt).toISOString(),
  endAt: new Date(sandbox.endAt).toISOString(),
  state: sandbox.state,
  cpuCount: 2,
  memoryMB: 512,
  diskSizeMB: 1024,
  metadata: sandbox.metadata,
})

const detail = (sandbox: Sandbox): Fields => ({
  ...listed(sandbox),
  allowInternetAccess: sandbox.network,
  lifecycle: { onTimeout: sandbox.onTimeout, autoResume: false },
})

function secondsOf(body: Fields): number {
  const seconds = numberOf(body.timeout) ?? DEFAULT_SECONDS
  if (seconds > MAX_SECONDS) throw new Refused(refusal(400, `Timeout cannot be greater than ${MAX_SECONDS / 3600} hours`))
  return Math.max(0, seconds)
}

type Handler = (sandboxes: Sandboxes, request: ControlRequest, id: string) => Promise<Answer>

const create: Handler = async (sandboxes, { body }) => {
  const sandbox = await sandboxes.create({
    template: textOf(body.templateID) ?? '',
    timeoutSeconds: secondsOf(body),
    metadata: textsOf(body.metadata),
    envs: textsOf(body.envVars),
    network: body.allow_internet_access !== false,
    onTimeout: body.autoPause === true ? 'pause' : 'kill',
  })
  return { status: 201, body: created(sandbox) }
}

const list: Handler = async (sandboxes, { query }) => {
  // Its pairs are encoded once more than those of a query.
  const metadata = [...new URLSearchParams(query.get('metadata') ?? '')].map((pair) => pair.map(decodeURIComponent))
  const states = query.get('state')?.split(',') ?? ['running', 'paused']
  const found = [...sandboxes.all.values()]
    .filter(({ state }) => states.includes(state))
    .filter((sandbox) => metadata.every(([key = '', value]) => sandbox.metadata[key] === value))
    .sort((one, two) => two.startedAt - one.startedAt)
  const from = Number(query.get('nextToken') ?? 0)
  const to = from + Math.min(Number(query.get('limit') ?? PAGE), PAGE)
  const headers: Record<string, string> = to < found.length ? { 'x-next-token': String(to) } : {}
  return { status: 200, headers, body: found.slice(from, to).map(listed) }
}

const connect: Handler = async (sandboxes, { body }, id) => {
  const sandbox = sandboxes.get(id)
  const seconds = secondsOf(body)
  const wasPaused = sandbox.state === 'paused'
  if (wasPaused) await sandboxes.resume(sandbox)
  if (wasPaused || Date.now() + seconds * 1000 > sandbox.endAt) sandboxes.setTimeout(sandbox, seconds)
  return { status: wasPaused ? 201 : 200, body: created(sandbox) }
}

const timeout: Handler = async (sandboxes, { body }, id) => {
  const sandbox = sandboxes.get(id)
  if (sandbox.state !== 'running') throw new Refused(refusal(404, `Sandbox "${id}" is not running`))
  sandboxes.setTimeout(sandbox, secondsOf(body))
  return { status: 204 }
}

const pause: Handler = async (sandboxes, _, id) => {
  const sandbox = sandboxes.get(id)
  if (sandbox.state === 'paused') return refusal(409, `Sandbox "${id}" is already paused`)
  await sandboxes.pause(sandbox)
  return { status: 204 }
}

const snapshot: Handler = async (sandboxes, { body }, id) => {
  const sandbox = sandboxes.get(id)
  if (sandbox.state !== 'running') throw new Refused(refusal(409, `Sandbox "${id}" is paused`))
  const { id: snapshotID, names } = await sandboxes.snapshot(sandbox, textOf(body.name))
  return { status: 201, body: { snapshotID, names } }
}

const ROUTES: readonly (readonly [string, RegExp, Handler])[] = [
  ['POST', /^\/v2\/sandboxes$/, create],
  ['GET', /^\/v2\/sandboxes$/, list],
  ['POST', /^\/v2\/sandboxes\/([^/]+)\/connect$/, connect],
  ['GET', /^\/sandboxes\/([^/]+)$/, async (sandboxes, _, id) => ({ status: 200, body: detail(sandboxes.get(id)) })],
  [
    'DELETE',
    /^\/sandboxes\/([^/]+)$/,
    async (sandboxes, _, id) => {
      await sandboxes.kill(sandboxes.get(id))
      return { status: 204 }
    },
  ],
  ['POST', /^\/sandboxes\/([^/]+)\/timeout$/, timeout],
  ['POST', /^\/sandboxes\/([^/]+)\/pause$/, pause],
  ['POST', /^\/sandboxes\/([^/]+)\/snapshots$/, snapshot],
  [
    'GET',
    /^\/snapshots$/,
    async (sandboxes, { query }) => {
      const source = query.get('sandboxID')
      const found = [...sandboxes.snapshots.values()].filter((one) => source === null || one.source === source)
      return { status: 200, body: found.map(({ id, names }) => ({ snapshotID: id, names })) }
    },
  ],
  [
    'DELETE',
    /^\/templates\/([^/]+)$/,
    async (sandboxes, _, id) => ((await sandboxes.deleteSnapshot(id)) ? { status: 204 } : refusal(404, `template '${id}' not found`)),
  ],
]

/** Answers a request of the control plane. */
export async function control(sandboxes: Sandboxes, request: ControlRequest): Promise<Answer> {
  for (const [method, pattern, handler] of ROUTES) {
    const match = method === request.method ? pattern.exec(request.path) : null
    if (match) return handler(sandboxes, { ...request, body: fieldsOf(request.body) }, decodeURIComponent(match[1] ?? ''))
  }
  return refusal(404, 'no matching operation was found')
}

/** The sandbox that a path of the control plane names. */
export const namedIn = (path: string): string | undefined => /^(?:\/v2)?\/sandboxes\/([^/]+)/.exec(path)?.[1]
