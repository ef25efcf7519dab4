import { posix, resolve } from 'node:path'
import { errors } from './errors.ts'

/** Options of {@link docker}. All may be left out. */
export interface DockerOptions {
  /** The image, with its tag or digest; it needs `sh`. Pulled when the engine does not have it. Default `node:22-bookworm`, which has Node, git and Python. */
  readonly image?: string | undefined
  /** Builds the image instead, once for the same content. Not together with `image`. */
  readonly build?: DockerBuild | undefined
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

/** What an image is built from. */
export interface DockerBuild {
  /** The folder on this machine. What its `.dockerignore` names stays out; links in it are sent as links. */
  readonly context: string
  /** The Dockerfile, relative to the context. Default `Dockerfile`. */
  readonly dockerfile?: string | undefined
  /** The stage to build. Default: the last. */
  readonly target?: string | undefined
  /** Values of `ARG`. They can be read from the image: no place for secrets. */
  readonly args?: Readonly<Record<string, string>> | undefined
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

/** What an image is built from, checked: an absolute folder, and a Dockerfile that is named as being within it. */
export interface BuildSettings {
  readonly context: string
  readonly dockerfile: string
  readonly target: string | null
  readonly args: Readonly<Record<string, string>>
}

/** The options with their defaults and checked. */
export interface Settings {
  readonly image: string
  readonly build: BuildSettings | undefined
  readonly user: string | undefined
  readonly readOnlyRoot: boolean
  readonly runtime: string | undefined
  readonly endpoint: Endpoint
}

const KNOWN = ['image', 'build', 'user', 'readOnlyRoot', 'runtime', 'socketPath', 'host', 'port', 'tls']
const DEFAULT_IMAGE = 'node:22-bookworm'
const WORD = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/

/** Checks options, without I/O. Throws `config.invalid`. */
export function settingsOf(options: DockerOptions): Settings {
  checkNames('option', options, KNOWN)
  if (options.build !== undefined && options.image !== undefined)
    throw invalid('The options image and build are together', 'Name an image, or have one built.')
  const { image = DEFAULT_IMAGE, user, readOnlyRoot = false, runtime } = options
  if (typeof image !== 'string' || !/^[\x21-\x7e]{1,512}$/.test(image))
    throw invalid(`The image "${String(image)}" is no name of an image`, 'Write it as in "debian:bookworm-slim".')
  if (typeof readOnlyRoot !== 'boolean') throw invalid(`The option readOnlyRoot is "${String(readOnlyRoot)}"`, 'Write true or false.')
  if (runtime !== undefined && !WORD.test(runtime))
    throw invalid(`The runtime "${runtime}" is no name`, 'Use the name that the configuration of the engine has, such as "runsc".')
  if (user !== undefined) checkUser('provider.options', user)
  return {
    image,
    build: options.build === undefined ? undefined : buildOf(options.build),
    user,
    readOnlyRoot,
    runtime,
    endpoint: endpointOf(options),
  }
}

function buildOf(build: DockerBuild): BuildSettings {
  if (typeof build !== 'object' || build === null) throw invalid(`The build "${String(build)}" is no object`, 'Name at least its context.')
  checkNames('option of build', build, ['context', 'dockerfile', 'target', 'args'])
  const { context, dockerfile = 'Dockerfile', target = null, args = {} } = build
  if (typeof context !== 'string' || context === '' || context.includes('\0'))
    throw invalid(`The build.context "${String(context)}" is no path`, 'Name the folder that has the Dockerfile.')
  const within = typeof dockerfile === 'string' ? posix.normalize(dockerfile) : '..'
  if (posix.isAbsolute(within) || /^\.\.?(?:\/|$)/.test(within) || /[\0\r\n]/.test(within))
    throw invalid(`The build.dockerfile "${String(dockerfile)}" is no path within the context`, 'Write it as in "docker/Dockerfile".')
  if (target !== null && !WORD.test(target)) throw invalid(`The build.target "${target}" is no name of a stage`, 'Use the name after AS.')
  for (const [name, value] of Object.entries(args)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || typeof value !== 'string')
      throw invalid(`The build.args have "${name}", which is no name with a text`, 'Write them as in { VERSION: "1.2" }.')
  }
  return { context: resolve(context), dockerfile: within, target, args }
}

function checkNames(what: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw invalid(`The ${what} "${key}" is not known`, `Use ${known.join(', ')}.`)
  }
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
