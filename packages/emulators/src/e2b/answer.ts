import type { IncomingMessage, ServerResponse } from 'node:http'

/** What a request is answered with: all of it at once, or by a function that writes it. */
export type Answer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: Uint8Array | object | undefined }
  | { readonly stream: (response: ServerResponse) => void }

/** The refusal of the control plane and of the REST part of the data plane. */
export const refusal = (code: number, message: string): Answer => ({ status: code, body: { code, message } })

/** A refusal that ends the handling of a request. */
export class Refused extends Error {
  readonly answer: Answer
  constructor(answer: Answer) {
    super('refused')
    this.answer = answer
  }
}

export function send(response: ServerResponse, answer: Answer): void {
  if ('stream' in answer) return answer.stream(response)
  const { status, headers = {}, body } = answer
  const bytes = body instanceof Uint8Array ? body : body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body))
  const type: Record<string, string> = body === undefined || body instanceof Uint8Array ? {} : { 'content-type': 'application/json' }
  response.writeHead(status, { ...type, ...(status === 204 ? {} : { 'content-length': String(bytes.length) }), ...headers })
  response.end(status === 204 ? undefined : bytes)
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export type Fields = Readonly<Record<string, unknown>>

/** A JSON object; what is none is an empty one. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

export function parseFields(bytes: Uint8Array): Fields {
  if (bytes.length === 0) return {}
  try {
    return fieldsOf(JSON.parse(Buffer.from(bytes).toString()))
  } catch {
    throw new Refused(refusal(400, 'Error when parsing request'))
  }
}

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
export const numberOf = (value: unknown): number | undefined => (typeof value === 'number' && Number.isFinite(value) ? value : undefined)

export function textsOf(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(fieldsOf(value)).map(([key, one]) => [key, String(one)]))
}
