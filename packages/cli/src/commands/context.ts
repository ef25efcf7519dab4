import { type JsonObject, type Policy, type Provider, RingfenceError } from '@ringfence/core'
import { loadProvider } from '../plugins/load-provider.ts'
import { makeScreen, type Screen } from '../screen/screen.ts'
import { type Places, placesIn, storageRoot } from '../storage/storage.ts'

/** What every command has. */
export interface CommandContext {
  readonly screen: Screen
  readonly places: Places
  readonly cwd: string
  /** Aborted by Ctrl-C: what was made is ended, then the program ends. */
  readonly signal: AbortSignal
}

export interface CommonOptions {
  readonly json?: boolean | undefined
}

export interface ProviderOptions {
  readonly provider: string
  readonly providerOptions?: string | undefined
}

export function makeContext({ json }: CommonOptions, signal: AbortSignal): CommandContext {
  const screen = makeScreen({ json: json === true, out: process.stdout, err: process.stderr, env: process.env })
  return { screen, places: placesIn(storageRoot(process.env)), cwd: process.cwd(), signal }
}

/**
 * The options of a provider, from their JSON; `undefined` when none are given. They may hold a credential, so that no error quotes them.
 *
 * @throws `config.invalid`.
 */
export function parseProviderOptions(text: string | undefined): JsonObject | undefined {
  if (text === undefined) return undefined
  const refused = new RingfenceError('config.invalid', 'The option --provider-options is not JSON of an object', {
    hint: `Quote it for the shell with single quotes: --provider-options '{"image": "debian"}'.`,
    effect: 'none',
  })
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
  } catch {
    // What JSON.parse says quotes the text.
    throw refused
  }
  throw refused
}

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

export function providerOf({ provider, providerOptions }: ProviderOptions, { cwd }: CommandContext): Promise<Provider> {
  return loadProvider(provider, parseProviderOptions(providerOptions), cwd)
}

/** The policy of the command line: a closed network unless it is opened by name. */
export function policyOf({ openNetwork }: { readonly openNetwork?: boolean | undefined }): Policy {
  return { egress: openNetwork ? 'open' : 'none' }
}
