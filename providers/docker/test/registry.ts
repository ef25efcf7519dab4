import { createHash } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { PrivateEngine } from './private-engine.ts'

/** A registry that only one engine can reach, with one image. */
export interface Registry {
  /** The name of the image. */
  readonly image: string
  /** How often each layer was asked for. */
  asked(): readonly number[]
  /** Lets the second halves of the layers go, which are held until then. */
  letGo(): void
  close(): Promise<void>
}

const PORT = 5000
const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** @param layers archives, the lowest first. */
export async function openRegistry(engine: PrivateEngine, layers: readonly Buffer[]): Promise<Registry> {
  const packed = layers.map((layer) => gzipSync(layer, { level: 0 }))
  const rootfs = { type: 'layers', diff_ids: layers.map(digestOf) }
  const config = Buffer.from(
    JSON.stringify({ architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux', config: {}, rootfs }),
  )
  const described = (kind: string, bytes: Buffer): object => ({
    mediaType: `application/vnd.docker.${kind}`,
    size: bytes.length,
    digest: digestOf(bytes),
  })
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: described('container.image.v1+json', config),
      layers: packed.map((layer) => described('image.rootfs.diff.tar.gzip', layer)),
    }),
  )
  const asked = packed.map(() => 0)
  let letGo = (): void => undefined
  const gone = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const answer = async (path: string, response: ServerResponse): Promise<void> => {
    const wanted = decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
    const layer = packed.findIndex((one) => digestOf(one) === wanted)
    if (path === '/v2/') response.end('{}')
    else if (path.includes('/manifests/') && ['1', digestOf(manifest)].includes(wanted))
      response
        .writeHead(200, { 'content-type': MANIFEST, 'content-length': manifest.length, 'docker-content-digest': digestOf(manifest) })
        .end(manifest)
    else if (wanted === digestOf(config)) response.end(config)
    else if (layer < 0) response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
    else {
      asked[layer] = (asked[layer] ?? 0) + 1
      const bytes = packed[layer] ?? Buffer.alloc(0)
      const half = bytes.length >> 1
      response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, half))
      await gone
      response.end(bytes.subarray(half))
    }
  }
  const server = createServer((request, response) => {
    // A pull that is given up hangs up.
    response.on('error', () => undefined)
    answer(request.url ?? '', response).catch(() => response.destroy())
  })
  const socketPath = join(engine.directory, 'registry.sock')
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  const relay = [
    `const { connect, createServer } = require('net')`,
    `const link = (one, other) => { one.pipe(other); one.on('error', () => other.destroy()) }`,
    `const relay = (one) => { const other = connect('${socketPath}'); link(one, other); link(other, one) }`,
    `createServer(relay).listen(${PORT}, '127.0.0.1', () => console.log())`,
  ].join('; ')
  // Its first line says that it listens.
  await engine.inside(`mkfifo ${socketPath}.up; '${process.execPath}' -e "${relay}" >${socketPath}.up & read -r line <${socketPath}.up`)
  return {
    image: `127.0.0.1:${PORT}/test/layers:1`,
    asked: () => asked,
    letGo: () => letGo(),
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
