import { isRingfenceError, isSecret, MINIMUM_SECRET_BYTES, RingfenceError, resolveSecret, type Secret, secret } from '@ringfence/core'

/** How to reach the model. Nothing is read or sent before the first request. */
export interface OpenAIOptions {
  /** Default `secret.env('OPENAI_API_KEY')`. Read at each request, and never kept. A server that needs none takes any 8 characters. */
  readonly apiKey?: Secret | string | undefined
  /** Where the API is, with its `/v1`. Default: the variable `OPENAI_BASE_URL`, then `https://api.openai.com/v1`. */
  readonly baseURL?: string | undefined
  /** Default `responses`. Most other servers speak `chat-completions`. */
  readonly api?: 'responses' | 'chat-completions' | undefined
  /** Default: the variable `OPENAI_ORG_ID`. */
  readonly organization?: string | undefined
  /** Default: the variable `OPENAI_PROJECT_ID`. */
  readonly project?: string | undefined
  /** Sent with each request. Their values are kept out of errors as the key is. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** How long the service may be silent, before its answer and in the middle of it. Default 240,000 ms, at most 300,000. */
  readonly timeoutMs?: number | undefined
  /** How often a request is made again after a failure of the service or the network. Default 2, at most 10. */
  readonly maxRetries?: number | undefined
}

/** The options with their defaults. */
export interface Settings {
  readonly apiKey: Secret | string
  readonly baseURL: string | undefined
  readonly api: 'responses' | 'chat-completions'
  readonly organization: string | undefined
  readonly project: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly maxRetries: number
}

const VENDOR_URL = 'https://api.openai.com/v1'
const DEFAULT_TIMEOUT_MS = 240_000
/** The `fetch` of Node gives up by itself after this much silence. */
const MAX_TIMEOUT_MS = 300_000
const MAX_RETRIES = 10
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

function invalid(message: string, hint: string): RingfenceError {
  return new RingfenceError('config.invalid', message, { provider: 'openai', operation: 'model.stream', hint, effect: 'none' })
}

/** The URL of the API, checked. It may hold no credential, since it is quoted in errors. */
function parseBaseURL(text: string, from: string): URL {
  if (!URL.canParse(text)) throw invalid(`${from} is no URL`, `Give one such as "${VENDOR_URL}".`)
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw invalid(`${from} begins with "${url.protocol}"`, 'Give a URL that begins with https: or http:.')
  if (url.username || url.password) throw invalid(`${from} holds a user name or a password`, 'Pass the credential as `apiKey`.')
  if (url.search || url.hash) throw invalid(`${from} holds a query or a fragment`, 'Give the path of the API alone.')
  return url
}

/** The base URL that is in force now. */
export function baseURLOf(settings: Settings): URL {
  if (settings.baseURL !== undefined) return parseBaseURL(settings.baseURL, 'The option `baseURL`')
  const fromEnvironment = process.env.OPENAI_BASE_URL?.trim()
  return fromEnvironment ? parseBaseURL(fromEnvironment, 'The variable "OPENAI_BASE_URL"') : new URL(VENDOR_URL)
}

function checkNumber(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw invalid(`The option \`${name}\` is "${value}"`, `Give a whole number from ${least} to ${most}.`)
}

function checkHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(headers)) {
    if (!HEADER_NAME.test(name)) throw invalid(`The header ${JSON.stringify(name)} has a name that no header can have`, 'Correct the name.')
    if (!HEADER_VALUE.test(value)) throw invalid(`The value of the header "${name}" holds characters that no header can`, 'Correct it.')
  }
  return { ...headers }
}

function checkKey(key: string, name: string): string {
  if (Buffer.byteLength(key) < MINIMUM_SECRET_BYTES)
    throw invalid(
      `The key of "${name}" is shorter than ${MINIMUM_SECRET_BYTES} bytes`,
      'For a server that needs no key, give a longer word, such as "not-needed".',
    )
  if (!HEADER_VALUE.test(key)) throw invalid(`The key of "${name}" holds characters that no header can`, 'Look for a line break in it.')
  return key
}

/**
 * Fills the defaults in, and checks what was given.
 *
 * @throws `config.invalid` that names the option.
 */
export function settingsOf(model: string, options: OpenAIOptions): Settings {
  if (model.trim() === '') throw invalid('The model has no name', 'Give the name that the service knows it by.')
  const { apiKey = secret.env('OPENAI_API_KEY'), baseURL, api = 'responses', organization, project, headers = {} } = options
  if (api !== 'responses' && api !== 'chat-completions')
    throw invalid(`The option \`api\` is "${String(api)}"`, 'It is "responses" or "chat-completions".')
  if (baseURL !== undefined) parseBaseURL(baseURL, 'The option `baseURL`')
  if (!isSecret(apiKey)) checkKey(apiKey, keyNameOf(apiKey))
  return {
    apiKey,
    baseURL,
    api,
    organization,
    project,
    headers: checkHeaders(headers),
    timeoutMs: checkNumber('timeoutMs', options.timeoutMs ?? DEFAULT_TIMEOUT_MS, 1, MAX_TIMEOUT_MS),
    maxRetries: checkNumber('maxRetries', options.maxRetries ?? 2, 0, MAX_RETRIES),
  }
}

/** What errors call the key. */
export function keyNameOf(apiKey: Secret | string): string {
  return isSecret(apiKey) ? apiKey.name : 'apiKey'
}

/**
 * The value of the key, read now.
 *
 * @throws `auth.missing` that names the variable or the secret; `config.invalid`.
 */
export async function readKey(apiKey: Secret | string): Promise<string> {
  if (!isSecret(apiKey)) return apiKey
  const { source, name } = apiKey
  const missing = (message: string, hint: string, cause?: unknown): RingfenceError =>
    new RingfenceError('auth.missing', message, { provider: 'openai', operation: 'model.stream', hint, effect: 'none', cause })
  if (source.kind === 'env' && !process.env[source.variable])
    throw missing(`The variable "${source.variable}" is not set`, `Set ${source.variable}, or pass \`apiKey\`.`)
  try {
    return checkKey(await resolveSecret(apiKey), name)
  } catch (error) {
    if (!isRingfenceError(error, 'secret.failed')) throw error
    throw missing(`The secret "${name}" has no value`, error.hint ?? 'Check the source of the secret.', error)
  }
}
