import { buffer } from 'node:stream/consumers'
import { z } from 'zod'
import { readFrames } from './frames.ts'
import { type EngineHttp, engineHttp } from './http.ts'

export interface RawExec {
  /** Given to its standard input. Default: none. */
  readonly input?: Iterable<Uint8Array> | AsyncIterable<Uint8Array> | undefined
  readonly onOutput?: ((bytes: Buffer) => void) | undefined
}

/** Containers with as few requests as each thing takes: what any client of an engine has to do at the least. */
export interface RawEngine {
  /** Makes a container that sleeps. `network`: that of the engine's default; else the engine sets up none, which is the quickest. */
  create(options?: { readonly network?: boolean }): Promise<string>
  start(id: string): Promise<void>
  remove(id: string): Promise<void>
  /** Runs a program to its end: create, start, inspect. Throws when it fails. */
  exec(id: string, argv: readonly string[], options?: RawExec): Promise<void>
  /** What it prints, as text. */
  outputOf(id: string, argv: readonly string[]): Promise<string>
  /** Unpacks an archive into a folder. */
  put(id: string, folder: string, archive: AsyncIterable<Uint8Array>): Promise<void>
  /** An archive of one path. */
  get(id: string, path: string): Promise<Buffer>
  /** What there is, also what does not run. */
  containers(): Promise<string[]>
  volumes(): Promise<string[]>
  close(): void
}

const created = z.object({ Id: z.string() })
const ended = z.object({ ExitCode: z.number() })
const listed = z.array(created)
const volumes = z.object({ Volumes: z.array(z.object({ Name: z.string() })).nullable() })

/** What a process prints comes until the stream ends; its input ends when all of it was given. */
async function converse(http: EngineHttp, exec: string, { input, onOutput = () => undefined }: RawExec): Promise<void> {
  const start = { Detach: false, Tty: false }
  if (!input) return readFrames(await http.stream('POST', `/exec/${exec}/start`, start), onOutput)
  const socket = await http.upgrade(`/exec/${exec}/start`, start)
  const read = readFrames(socket, onOutput)
  // It is awaited below; that it fails first must not go unhandled.
  read.catch(() => undefined)
  for await (const bytes of input) {
    if (!socket.write(bytes)) await new Promise<void>((resolve) => socket.once('drain', resolve))
  }
  socket.end()
  await read
}

export function rawEngine(socketPath: string, image: string): RawEngine {
  const http = engineHttp(socketPath)
  const { call } = http

  async function exec(id: string, argv: readonly string[], options: RawExec = {}): Promise<void> {
    const request = { Cmd: argv, AttachStdin: options.input !== undefined, AttachStdout: true, AttachStderr: true }
    const { Id: made } = created.parse(await call('POST', `/containers/${id}/exec`, request))
    await converse(http, made, options)
    const { ExitCode } = ended.parse(await call('GET', `/exec/${made}/json`))
    if (ExitCode !== 0) throw new Error(`"${argv[0]}" of a floor ended with ${String(ExitCode)}`)
  }

  return {
    exec,
    async create({ network = false } = {}) {
      const closed = network ? {} : { NetworkDisabled: true, HostConfig: { NetworkMode: 'none' } }
      const request = { Image: image, Cmd: ['sleep', 'infinity'], ...closed }
      return created.parse(await call('POST', '/containers/create', request)).Id
    },
    start: async (id) => void (await call('POST', `/containers/${id}/start`)),
    remove: async (id) => void (await call('DELETE', `/containers/${id}?force=1&v=1`)),
    async outputOf(id, argv) {
      const chunks: Buffer[] = []
      await exec(id, argv, { onOutput: (bytes) => void chunks.push(bytes) })
      return Buffer.concat(chunks).toString()
    },
    put: (id, folder, archive) => http.upload(`/containers/${id}/archive?path=${encodeURIComponent(folder)}`, archive),
    get: async (id, path) => buffer(await http.stream('GET', `/containers/${id}/archive?path=${encodeURIComponent(path)}`)),
    containers: async () => listed.parse(await call('GET', '/containers/json?all=1')).map(({ Id }) => `container ${Id}`),
    volumes: async () => (volumes.parse(await call('GET', '/volumes')).Volumes ?? []).map(({ Name }) => `volume ${Name}`),
    close: () => http.close(),
  }
}
