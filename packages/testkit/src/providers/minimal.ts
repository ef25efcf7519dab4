import type { Process, Profile, Provider, Sandbox, SpawnRequest } from '@ringfence/core'
import { checkCreate, checkSpawn, providerErrors } from '@ringfence/core/plugin'

export interface MinimalOptions {
  /**
   * `none`: no stdin, and output only when a process has ended, so that the engine enters by one spawn a command.
   * `live`: both are live, so that it enters through its resident shell.
   */
  readonly stdin: 'none' | 'live'
}

const MAX_ARGV_BYTES = 98_304
const errors = providerErrors('minimal')

function lower(profile: Profile, { stdin }: MinimalOptions): Profile {
  return {
    ...profile,
    name: 'minimal',
    facets: { lifetime: 'never', pty: 'never', snapshot: 'never', suspend: 'never' },
    wire: {
      ...profile.wire,
      delivery: stdin === 'live' ? 'live' : 'at-exit',
      stdin,
      kill: 'none',
      user: false,
      maxArgvBytes: MAX_ARGV_BYTES,
    },
    limits: [],
    find: 'none',
  }
}

/** Output in one piece a stream, when the process has ended. */
async function* atExit(process: Process): Process['output'] {
  const chunks = []
  for await (const chunk of process.output) chunks.push(chunk)
  for (const fd of [1, 2] as const) {
    const bytes = Buffer.concat(chunks.filter((chunk) => chunk.fd === fd).map((chunk) => chunk.bytes))
    if (bytes.length > 0) yield { fd, bytes }
  }
}

function strip(sandbox: Sandbox, options: MinimalOptions): Sandbox {
  const profile = lower(sandbox.profile, options)
  return {
    state: { ...sandbox.state, provider: 'minimal' },
    info: { id: sandbox.info.id, workspace: sandbox.info.workspace },
    profile,
    async spawn(argv, request: SpawnRequest = {}) {
      checkSpawn(argv, request, profile, errors)
      const process = await sandbox.spawn(argv, request)
      return {
        output: options.stdin === 'live' ? process.output : atExit(process),
        exit: process.exit,
        detach: () => process.detach(),
        stdin: process.stdin,
      }
    },
    release: () => sandbox.release(),
    destroy: () => sandbox.destroy(),
  }
}

/**
 * The least that the contract asks for, made from a provider that has more: no control directory, no kill, no user,
 * no `find`, no limits, no facets, small arguments.
 */
export function minimal(provider: Provider, options: MinimalOptions): Provider {
  const back = provider.profile.name
  return {
    specificationVersion: 'provider-v1',
    profile: lower(provider.profile, options),
    resolve: () => lower(provider.resolve(), options),
    async create(request, context) {
      checkCreate(request, lower(provider.resolve(), options), errors)
      return strip(await provider.create(request, context), options)
    },
    resume: async (state, request, context) => strip(await provider.resume({ ...state, provider: back }, request, context), options),
  }
}
