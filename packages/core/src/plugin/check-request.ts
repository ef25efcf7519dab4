import { isolatesAtLeast } from '../provider/v1/isolation.ts'
import type { NativeSnapshot } from '../provider/v1/native-snapshot.ts'
import type { Profile } from '../provider/v1/profile.ts'
import type { CreateRequest } from '../provider/v1/provider.ts'
import type { TerminalSize } from '../provider/v1/pty.ts'
import type { SpawnRequest } from '../provider/v1/sandbox.ts'
import type { ProviderErrors } from './provider-errors.ts'

const REF_PART = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/

/** Refuses a lifetime that is no positive number, or longer than the profile allows. */
export function checkLifetime(ms: number, profile: Profile, errors: ProviderErrors): void {
  if (!Number.isFinite(ms) || ms <= 0)
    throw errors.invalid('sandbox.create', `The lifetime "${ms}" is not a positive number of milliseconds`, 'Give milliseconds from now.')
  if (profile.maxLifetimeMs !== null && ms > profile.maxLifetimeMs)
    throw errors.invalid(
      'sandbox.create',
      `The lifetime of ${ms} ms is longer than the ${profile.maxLifetimeMs} ms that are possible here`,
      'Ask for less, and prolong it.',
    )
}

/** Refuses a native snapshot where there are none, and one of another provider. */
export function checkNativeSnapshot(operation: string, snapshot: NativeSnapshot, profile: Profile, errors: ProviderErrors): void {
  if (profile.facets.snapshot === 'never') throw errors.unsupported(operation, 'snapshot', 'Use a snapshot store, which works everywhere.')
  if (snapshot.provider !== profile.name)
    throw errors.invalid(
      operation,
      `The snapshot "${snapshot.id}" is one of "${snapshot.provider}"`,
      'Native snapshots stay with their provider; those of a snapshot store go everywhere.',
    )
}

/** Refuses what a profile does not give, before anything is made. */
export function checkCreate(request: CreateRequest, profile: Profile, errors: ProviderErrors): void {
  for (const [key, part] of Object.entries(request.ref)) {
    if (!REF_PART.test(part))
      throw errors.invalid(
        'sandbox.create',
        `The ${key} "${part}" of the reference is not path-safe`,
        'Use letters, digits, ".", "_" and "-".',
      )
  }
  checkLifetime(request.lifetimeMs, profile, errors)
  if (request.from) checkNativeSnapshot('sandbox.create', request.from, profile, errors)
  if (!isolatesAtLeast(profile.isolation, request.isolation))
    throw errors.unsupported('sandbox.create', `isolation: ${request.isolation}`, `This provider gives "${profile.isolation}".`)
  if (request.egress === 'none' && profile.egress.tier === 'none')
    throw errors.unsupported('sandbox.create', 'egress: none', 'This provider cannot close the network.')
  if (request.egress === 'open' && profile.egress.open === false)
    throw errors.unsupported('sandbox.create', 'egress: open', 'This provider has no network.')
  for (const [name, value] of Object.entries(request.limits)) {
    if (value === undefined) continue
    if (!(profile.limits as readonly string[]).includes(name))
      throw errors.unsupported('sandbox.create', `limits.${name}`, `This provider enforces: ${profile.limits.join(', ') || 'none'}.`)
    if (!Number.isFinite(value) || value <= 0)
      throw errors.invalid('sandbox.create', `The limit ${name} "${value}" is not a positive number`, 'Correct the limit.')
  }
}

/** Refuses arguments that no process can have, and requests that the wire does not know. */
export function checkSpawn(argv: readonly string[], request: SpawnRequest, profile: Profile, errors: ProviderErrors): void {
  if (argv.length === 0 || argv[0] === '')
    throw errors.invalid('sandbox.spawn', 'There is no program to start', 'Name one as the first argument.')
  let bytes = 0
  for (const word of argv) {
    if (word.includes('\0')) throw errors.invalid('sandbox.spawn', `The argument ${JSON.stringify(word)} holds a NUL`, 'Remove it.')
    bytes += Buffer.byteLength(word) + 1
  }
  if (bytes > profile.wire.maxArgvBytes)
    throw errors.invalid(
      'sandbox.spawn',
      `The arguments have ${bytes} bytes; ${profile.wire.maxArgvBytes} are possible here`,
      'Bring large input through stdin or a file.',
    )
  if (request.user !== undefined && !profile.wire.user)
    throw errors.unsupported('sandbox.spawn', 'user', 'Commands run as the one user of the sandbox.')
  if (request.stdin && profile.wire.stdin === 'none') throw errors.unsupported('sandbox.spawn', 'stdin', 'Bring the input in a file.')
}

/** Refuses a terminal size that is none. */
export function checkTerminalSize({ columns, rows }: TerminalSize, errors: ProviderErrors): void {
  for (const [name, value] of Object.entries({ columns, rows })) {
    if (!Number.isInteger(value) || value < 1 || value > 65_535)
      throw errors.invalid('sandbox.pty', `The terminal has ${value} ${name}; 1 to 65535 are possible`, 'Correct the size.')
  }
}
