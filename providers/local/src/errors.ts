import type { RingfenceError } from '@ringfence/core'
import { type ProviderErrors, providerErrors } from '@ringfence/core/plugin'

/** The errors of this provider. */
export const errors: ProviderErrors = providerErrors('local')

/** The code of an error of the operating system, such as `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

const NO_NAMESPACES = /creat\w* new namespace|No permissions to|uid map|unshare|user namespace|max_user_namespaces|nested/i

/** Says why a start failed, from what bubblewrap and the keeper printed. The text comes from before anything of the user ran. */
export function startFailure(text: string, cause?: unknown): RingfenceError {
  const said = text.trim().slice(0, 2000)
  if (/unknown option/i.test(said))
    return errors.unavailable('sandbox.create', `bubblewrap is too old: "${said}"`, 'Install bubblewrap 0.8 or newer.', cause)
  const missing = /(\S+): (?:command )?not found/.exec(said)
  if (missing)
    return errors.unavailable(
      'sandbox.create',
      `A program is missing: "${said}"`,
      'Install the packages coreutils and util-linux (chroot, setsid, mkfifo).',
      cause,
    )
  if (NO_NAMESPACES.test(said))
    return errors.unavailable(
      'sandbox.create',
      `The kernel does not let bubblewrap make its namespaces: "${said}"`,
      'Allow user namespaces: "sysctl -w kernel.unprivileged_userns_clone=1", "sysctl -w user.max_user_namespaces=10000", on Ubuntu ' +
        '"sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" or an AppArmor profile for bwrap; in a container, start it so that ' +
        'it may. Or use another provider, such as docker.',
      cause,
    )
  return errors.startFailed(
    `The sandbox did not start: "${said || 'nothing was said'}"`,
    'Mend what the message says and start again.',
    cause,
  )
}

/** Says that the state directory cannot be used. */
export function directoryFailure(path: string, cause: unknown): RingfenceError {
  const code = errnoOf(cause)
  const why =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'there is no space left'
      : code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
        ? 'it may not be written'
        : cause instanceof Error
          ? cause.message
          : String(cause)
  return errors.startFailed(
    `The directory "${path}" cannot be used: ${why}`,
    'Make room, or name another place with the option "directory".',
    cause,
  )
}
