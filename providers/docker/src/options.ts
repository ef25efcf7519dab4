import { errors } from './errors.ts'

/** Options of {@link docker}. All may be left out. */
export interface DockerOptions {
  /** The image, with its tag or digest; it needs `sh`. Pulled when the engine does not have it. Default `debian:bookworm-slim`. */
  readonly image?: string | undefined
  /**
   * Who commands run as: a name of the image, or numbers as in `1000:1000`. Default: the user of the image, and
   * `1000:1000` where that is root.
   */
  readonly user?: string | undefined
  /** Mounts the root of the image read-only; the workspace, `/tmp`, `/var/tmp` and the home stay writable. Default false. */
  readonly readOnlyRoot?: boolean | undefined
  /** The name under which the engine knows the OCI runtime: `runsc`, `kata`. Default: that of the engine. */
  readonly runtime?: string | undefined
  /** The Unix socket of the engine. Default: what `DOCKER_HOST` names, else the usual socket. */
  readonly socketPath?: string | undefined
  /** The host of an engine that listens on TCP. Not together with `socketPath`. */
  readonly host?: string | undefined
  /** The port of `host`. Default 2376 with `tls`, 2375 without. */
  readonly port?: number | undefined
  /** Certificates in PEM for `host`; an empty object uses TLS with the authorities of the system. Default: no TLS. */
  readonly tls?: DockerTls | undefined
}

/** Certificates in PEM. `cert` and `key` go together. */
export interface DockerTls {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/** Where the engine is, as far as options say. */
export type Endpoint =
  | { readonly kind: 'environment' }
  | { readonly kind: 'socket'; readonly socketPath: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: DockerTls | undefined }

/** The options with their defaults and checked. */
export interface Settings {
  readonly image: string
  readonly user: string | undefined
  readonly readOnlyRoot: boolean
  readonly runtime: string | undefined
  readonly endpoint: Endpoint
}

const KNOWN = ['image', 'user', 'readOnlyRoot', 'runtime', 'socketPath', 'host', 'port', 'tls']
const DEFAULT_IMAGE = 'debian:bookworm-slim'
const WORD = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/

/** Checks options, without I/O. Throws `config.invalid`. */
export function settingsOf(options: DockerOptions): Settings {
  for (const key of Object.keys(options)) {
    if (!KNOWN.includes(key)) throw invalid(`The option "${key}" is not known`, `Use ${KNOWN.join(', ')}.`)
  }
  const { image = DEFAULT_IMAGE, user, readOnlyRoot = false, runtime } = options
  if (typeof image !== 'string' || !/^[\x21-\x7e]{1,512}$/.test(image))
    throw invalid(`The image "${String(image)}" is no name of an image`, 'Write it as in "debian:bookworm-slim".')
  if (typeof readOnlyRoot !== 'boolean') throw invalid(`The option readOnlyRoot is "${String(readOnlyRoot)}"`, 'Write true or false.')
  if (runtime !== undefined && !WORD.test(runtime))
    throw invalid(`The runtime "${runtime}" is no name`, 'Use the name that the configuration of the engine has, such as "runsc".')
  if (user !== undefined) checkUser('provider.options', user)
  return { image, user, readOnlyRoot, runtime, endpoint: endpointOf(options) }
}

/** Refuses what cannot be a user inside: a name or a number, each with an optional group. */
export function checkUser(operation: string, user: string): void {
  const parts = typeof user === 'string' ? user.split(':') : []
  if (parts.length < 1 || parts.length > 2 || !parts.every((part) => WORD.test(part)))
    throw errors.invalid(operation, `The user "${String(user)}" is none`, 'Write a name, or numbers as in "1000:1000".')
}

function endpointOf({ socketPath, host, port, tls }: DockerOptions): Endpoint {
  if (socketPath !== undefined) {
    if (host !== undefined || port !== undefined || tls !== undefined)
      throw invalid('The option socketPath is together with host, port or tls', 'Name the engine in one way.')
    if (typeof socketPath !== 'string' || socketPath === '' || socketPath.includes('\0'))
      throw invalid(`The socketPath "${String(socketPath)}" is no path`, 'Write it as in "/var/run/docker.sock".')
    return { kind: 'socket', socketPath: socketPath.replace(/^unix:\/\//, '') }
  }
  if (host === undefined) {
    if (port !== undefined || tls !== undefined) throw invalid('The options port and tls need a host', 'Name the host, or leave them out.')
    return { kind: 'environment' }
  }
  if (typeof host !== 'string' || !/^[A-Za-z0-9.:_-]{1,253}$/.test(host))
    throw invalid(`The host "${String(host)}" is no name and no address`, 'Write it without a scheme and a port.')
  const used = port ?? (tls ? 2376 : 2375)
  if (!Number.isInteger(used) || used < 1 || used > 65_535) throw invalid(`The port "${used}" is none`, 'Use 1 to 65535.')
  if (tls && (tls.cert === undefined) !== (tls.key === undefined))
    throw invalid('Of tls.cert and tls.key there is one', 'Give both, or neither.')
  return { kind: 'tcp', host, port: used, tls }
}

function invalid(message: string, hint: string): Error {
  return errors.invalid('provider.options', message, hint)
}
