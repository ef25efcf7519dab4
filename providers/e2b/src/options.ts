import { isRingfenceError, isSecret, resolveSecret, type Secret } from '@ringfence/core'
import type { SandboxOpts } from 'e2b'
import { errors, missingKey } from './errors.ts'

/** What of the vendor's own options may be set. The rest follows from the request and the other options. */
export type E2bSdkOptions = Omit<
  SandboxOpts,
  'apiKey' | 'domain' | 'debug' | 'template' | 'metadata' | 'timeoutMs' | 'allowInternetAccess' | 'lifecycle' | 'mcp' | 'signal'
>

/** Options of {@link e2b}. All may be left out. */
export interface E2bOptions {
  /** The template: image, processors, memory and disk are properties of it. Default `base`. */
  readonly template?: string | undefined
  /** Default: the variable `E2B_API_KEY`. Read at each call, and never kept. */
  readonly apiKey?: Secret | string | undefined
  /** The domain of the service. Default: the variable `E2B_DOMAIN`, then that of the vendor's cloud. */
  readonly domain?: string | undefined
  /** More metadata of each sandbox, as the vendor's dashboard shows it. No place for secrets. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Options that are handed to the vendor's SDK as they are: `proxy`, `network`, `volumeMounts`, `requestTimeoutMs`, and more. */
  readonly sdk?: E2bSdkOptions | undefined
}

/** The options with their defaults and checked. */
export interface Settings {
  readonly template: string
  readonly apiKey: Secret | string | undefined
  readonly domain: string | undefined
  readonly metadata: Readonly<Record<string, string>>
  readonly sdk: E2bSdkOptions
  /** How long an answer may take, or a stream to begin, in milliseconds. */
  readonly requestTimeoutMs: number
}

const KNOWN = ['template', 'apiKey', 'domain', 'metadata', 'sdk']
const OURS = ['apiKey', 'domain', 'debug', 'template', 'metadata', 'timeoutMs', 'allowInternetAccess', 'lifecycle', 'mcp', 'signal']
/** Metadata that begin with this are the provider's own. */
export const PREFIX = 'ringfence.'
const REQUEST_TIMEOUT_MS = 60_000

const invalid = (message: string, hint: string): Error => errors.invalid('provider.options', message, hint)

/** Checks options, without I/O. Throws `config.invalid`. */
export function settingsOf(options: E2bOptions): Settings {
  for (const key of Object.keys(options)) {
    if (!KNOWN.includes(key)) throw invalid(`The option "${key}" is not known`, `Use ${KNOWN.join(', ')}.`)
  }
  const { template = 'base', apiKey, domain, metadata = {}, sdk = {} } = options
  if (typeof template !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$/.test(template))
    throw invalid(`The template "${String(template)}" is no name of a template`, 'Use its name or its id, as in "base".')
  if (apiKey !== undefined && !isSecret(apiKey) && (typeof apiKey !== 'string' || apiKey === ''))
    throw invalid('The apiKey is neither a secret nor a text', 'Use `secret.env("E2B_API_KEY")`, or leave it out.')
  if (domain !== undefined && (typeof domain !== 'string' || !/^[A-Za-z0-9.-]{1,253}$/.test(domain)))
    throw invalid(`The domain "${String(domain)}" is none`, 'Write it without a scheme, as in "e2b.app".')
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw invalid(`The metadata "${key}" are no text`, 'Write them as in { team: "search" }.')
    if (key.startsWith(PREFIX))
      throw invalid(`The metadata "${key}" are the provider's own`, `Use a name that does not begin with "${PREFIX}".`)
  }
  const taken = OURS.find((key) => key in sdk)
  if (taken !== undefined)
    throw invalid(`The option "sdk.${taken}" is set by the provider`, 'Use the other options, the policy and the lifetime.')
  const { requestTimeoutMs = REQUEST_TIMEOUT_MS } = sdk
  if (!Number.isFinite(requestTimeoutMs) || requestTimeoutMs <= 0)
    throw invalid(
      `The option sdk.requestTimeoutMs is "${requestTimeoutMs}"`,
      'Give a positive number of milliseconds: nothing waits for ever.',
    )
  return { template, apiKey, domain, metadata, sdk, requestTimeoutMs }
}

/** The key. Throws `auth.missing` when there is none, before anything is sent. */
export async function keyOf({ apiKey }: Settings, operation: string): Promise<string> {
  if (apiKey === undefined || typeof apiKey === 'string') {
    const key = apiKey ?? process.env.E2B_API_KEY
    if (!key) throw missingKey(operation, 'E2B_API_KEY')
    return key
  }
  try {
    return await resolveSecret(apiKey)
  } catch (error) {
    throw isRingfenceError(error, 'secret.failed') ? missingKey(operation, apiKey.name, error) : error
  }
}
