import type { ServerResponse } from 'node:http'
import { type Answer, Refused } from './answer.ts'

/** The errors of the protocol, and their HTTP status in an answer that is no stream. */
const STATUS = {
  invalid_argument: 400,
  unauthenticated: 401,
  not_found: 404,
  already_exists: 409,
  deadline_exceeded: 504,
  internal: 500,
  unimplemented: 501,
  unavailable: 503,
} as const

export type ConnectCode = keyof typeof STATUS

/** An error of a procedure. */
export class ConnectFailure extends Refused {
  readonly code: ConnectCode
  readonly said: string
  constructor(code: ConnectCode, message: string) {
    super({ status: STATUS[code], body: { code, message } })
    this.code = code
    this.said = message
  }
}

const END_OF_STREAM = 2

/** One message of a stream: a flag, its length, JSON. Returns whether more may be written at once. */
export function writeMessage(response: ServerResponse, message: object, flag = 0): boolean {
  const body = Buffer.from(JSON.stringify(message))
  const head = Buffer.alloc(5)
  head.writeUInt8(flag, 0)
  head.writeUInt32BE(body.length, 1)
  return response.write(Buffer.concat([head, body]))
}

export function beginStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/connect+json' })
  response.flushHeaders()
}

export function endStream(response: ServerResponse, failure?: ConnectFailure): void {
  if (response.writableEnded) return
  writeMessage(response, failure ? { error: { code: failure.code, message: failure.said } } : {}, END_OF_STREAM)
  response.end()
}

/** A stream that has nothing but its error: its status is 200 all the same. */
export function failedStream(failure: ConnectFailure): Answer {
  return {
    stream(response) {
      beginStream(response)
      endStream(response, failure)
    },
  }
}

/** The one message of the request of a server stream. */
export function firstMessage(bytes: Buffer): Buffer {
  if (bytes.length < 5) throw new ConnectFailure('invalid_argument', 'the message has no envelope')
  return bytes.subarray(5, 5 + bytes.readUInt32BE(1))
}
