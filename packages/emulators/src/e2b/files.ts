import type { IncomingMessage } from 'node:http'
import { basename } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type Answer, Refused, readBody, refusal, textOf } from './answer.ts'
import { callFileSystem, runInside } from './filesystem.ts'
import type { Sandbox } from './sandboxes.ts'

const WRITE = 'mkdir -p -- "$(dirname -- "$1")" && cat > "$1"'

/** `GET /files`: the bytes of one file. */
export async function download(sandbox: Sandbox, user: string, path: string): Promise<Answer> {
  const found = await callFileSystem(sandbox, user, 'resolve', { path })
  const at = textOf(found.path) ?? ''
  if (found.kind === 'directory') return refusal(400, `path '${at}' is a directory`)
  if (found.kind !== 'file') return refusal(404, `path '${at}' does not exist`)
  const { out, error, code } = await runInside(sandbox, user, ['cat', '--', at])
  return code === 0 ? { status: 200, headers: { 'content-type': 'application/octet-stream' }, body: out } : refusal(400, error)
}

/** `POST /files`: one file as the body, or several as parts of a form that are named by their paths. */
export async function upload(sandbox: Sandbox, user: string, path: string | undefined, request: IncomingMessage): Promise<Answer> {
  const body = await readBody(request)
  const type = request.headers['content-type'] ?? ''
  const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
  const parts = type.startsWith('multipart/form-data') ? await partsOf(type, bytes) : [{ path: '', bytes }]
  const written = []
  for (const part of parts) {
    const wanted = path ?? part.path
    if (wanted === '') throw new Refused(refusal(400, 'path is required'))
    const { path: at } = await callFileSystem(sandbox, user, 'resolve', { path: wanted })
    const name = textOf(at) ?? ''
    const { code, error } = await runInside(sandbox, user, ['/bin/sh', '-c', WRITE, 'sh', name], part.bytes)
    if (code !== 0) throw new Refused(refusal(/No space/.test(error) ? 507 : 400, error))
    written.push({ path: name, name: basename(name), type: 'file' })
  }
  return { status: 200, body: written }
}

async function partsOf(type: string, bytes: Uint8Array): Promise<{ path: string; bytes: Uint8Array }[]> {
  const form = await new Response(Buffer.from(bytes), { headers: { 'content-type': type } }).formData()
  const parts = []
  for (const value of form.getAll('file'))
    if (typeof value !== 'string') parts.push({ path: value.name, bytes: new Uint8Array(await value.arrayBuffer()) })
  return parts
}
