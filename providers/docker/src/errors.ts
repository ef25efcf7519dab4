import { isRingfenceError, RingfenceError } from '@ringfence/core'
import { type ProviderErrors, providerErrors } from '@ringfence/core/plugin'

/** The errors of this provider. */
export const errors: ProviderErrors = providerErrors('docker')

/** The message of an error, to be told within another. */
export const saidBy = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replace(/^docker: /, '')

/** What an engine says when it refuses. */
export interface Refusal {
  readonly status: number
  readonly message: string
}

/** The refusal that the client made an error of; `undefined` for any other error. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number') return undefined
  // The client begins with words of its own.
  return { status: error.statusCode, message: error.message.replace(/^\(HTTP code \d+\) .*? - /, '').trim() }
}

/** The code of an error of the operating system or of TLS, such as `ENOENT`. */
function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

const NOT_REACHED = ['ENOENT', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'ENOTSOCK', 'ENOTDIR', 'ETIMEDOUT']
/** What needs an engine to begin with. Whether a sandbox goes on while its engine is away is not known. */
const FIRST = ['sandbox.create', 'sandbox.resume', 'sandbox.find']
const CERTIFICATE = /CERT|TLS|SSL|EPROTO|SELF_SIGNED|UNABLE_TO/

/** Says that no answer came from the engine at `where`. */
export function connectionFailure(operation: string, where: string, cause: unknown): RingfenceError {
  if (isRingfenceError(cause)) return cause
  const code = errnoOf(cause) ?? ''
  const said = saidBy(cause)
  if (code === 'EACCES' || code === 'EPERM')
    return errors.unavailable(
      operation,
      `The engine at "${where}" may not be used by this user: "${said}"`,
      'Add the user to the group "docker" and log in anew, or use a rootless engine. Whoever may use the socket is root on its machine.',
      cause,
    )
  if (NOT_REACHED.includes(code) && FIRST.includes(operation))
    return errors.unavailable(
      operation,
      `No Docker engine answers at "${where}": "${said}"`,
      'Install and start one ("apt-get install docker.io", "systemctl start docker"), or name it with DOCKER_HOST or the option socketPath.',
      cause,
    )
  if (CERTIFICATE.test(code))
    return errors.unavailable(
      operation,
      `The TLS connection to "${where}" failed: "${said}"`,
      'Check the option tls, or DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, and that the engine listens with TLS.',
      cause,
    )
  if (cause instanceof TypeError) return errors.failed(operation, `What the engine at "${where}" answers cannot be read: "${said}"`, cause)
  const what = NOT_REACHED.includes(code) ? `No Docker engine answers at "${where}"` : `The connection to the engine at "${where}" was cut`
  return lost(operation, `${what}: "${said}"`, cause)
}

/** Says that an answer did not come, or not whole: whether the request had its effect is not known. */
export const lost = (operation: string, message: string, cause?: unknown): RingfenceError =>
  new RingfenceError('provider.failed', message, {
    provider: 'docker',
    operation,
    hint: 'Check that the engine runs and can be reached. Its sandboxes may go on meanwhile: ask again, or resume them.',
    effect: 'unknown',
    cause,
  })

/** Says what an engine refused. `id`: the sandbox that it was about. */
export function refused(operation: string, { status, message }: Refusal, id?: string): RingfenceError {
  if (id !== undefined && isGone({ status, message })) return errors.gone(operation, id)
  if (status === 401 || status === 403)
    return new RingfenceError('auth.denied', `The engine refuses: "${message}"`, {
      provider: 'docker',
      operation,
      hint: 'Check the credentials of the engine, and what its authorization allows.',
      effect: 'none',
    })
  return errors.failed(operation, `The engine answers ${status}: "${message}"`)
}

/** Whether an engine says that a container has ended. */
function isGone({ status, message }: Refusal): boolean {
  return (
    (status === 404 && !/no such exec/i.test(message)) ||
    (status === 409 && /not running|stopped|marked for removal|removal of/i.test(message))
  )
}

/** Says why a container was not made or not started, from what the engine said of it. */
export function startFailure(text: string, image: string): RingfenceError {
  const said = text.trim().slice(0, 2000)
  if (/docker-init|catatonit/.test(said))
    return errors.unavailable(
      'sandbox.create',
      `The engine has no init for its containers: "${said}"`,
      'Install the package "tini" (Debian) or "catatonit" (Podman) on the machine of the engine.',
    )
  if (/unknown (?:or invalid )?runtime|invalid runtime|runtime .*not found/i.test(said))
    return errors.unavailable(
      'sandbox.create',
      `The engine does not know the runtime: "${said}"`,
      'Add it to "runtimes" in the configuration of the engine (/etc/docker/daemon.json), and restart that.',
    )
  if (/\[FATAL tini|executable file not found|no such file or directory/i.test(said) && /\bsh\b/.test(said))
    return errors.startFailed(
      `The image "${image}" has no "sh": "${said}"`,
      'Use an image with a POSIX shell, such as debian:bookworm-slim or alpine.',
    )
  if (/no space left/i.test(said))
    return errors.startFailed(`The disk of the engine is full: "${said}"`, 'Make room there, for example with "docker system prune".')
  return errors.startFailed(`The container did not start: "${said || 'nothing was said'}"`, 'Mend what the message says and start again.')
}
