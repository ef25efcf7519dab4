import { type ManifestInput, type Policy, type Provider, RingfenceError } from '@ringfence/core'
import { loadProvider } from '../plugins/load-plugin.ts'
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

/** Parses the JSON of an option. Throws `config.invalid`. */
export function parseJsonOption(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RingfenceError('config.invalid', `The option ${name} is not JSON: ${text.slice(0, 80)}`, {
      hint: 'Quote it for the shell with single quotes.',
      effect: 'none',
      cause,
    })
  }
}

export function providerOf({ provider, providerOptions }: ProviderOptions, { cwd }: CommandContext): Promise<Provider> {
  return loadProvider(provider, providerOptions === undefined ? undefined : parseJsonOption(providerOptions, '--provider-options'), cwd)
}

/** The policy of the command line: what the provider gives at most, and a closed network unless it is opened by name. */
export function policyOf({ openNetwork, isolation }: { openNetwork?: boolean; isolation?: string }): Policy {
  return { egress: openNetwork ? 'open' : 'none', ...(isolation === 'none' ? { minimumIsolation: 'none' as const } : {}) }
}

/** The manifest of a repository at `repo`, or an empty one. */
export function repositoryManifest(repo: string | undefined, env: Readonly<Record<string, string>> = {}): ManifestInput {
  return { entries: repo === undefined ? {} : { repo: { type: 'gitRepo', source: repo } }, env }
}
