import { ask } from './client.ts'
import { errors } from './errors.ts'
import { begin, heard } from './events.ts'
import type { Link } from './link.ts'
import { headersOf } from './rpc.ts'

const SHELL = '/bin/sh'

/** Runs a script of this provider as the default user, also while the sandbox is held. Returns what it prints. */
export async function runScript(link: Link, operation: string, script: string, ...args: readonly string[]): Promise<string> {
  const stop = new AbortController()
  const message = { process: { cmd: SHELL, args: ['-c', script, 'sh', ...args], cwd: '/' }, stdin: false }
  try {
    const { next } = await begin(link, operation, stop, (signal) => link.rpc.start(message, { signal, headers: headersOf(undefined) }))
    const said: Record<1 | 2, Uint8Array[]> = { 1: [], 2: [] }
    for (;;) {
      const event = heard(await ask(link.client, { operation }, next))
      if (!event) continue
      if ('chunk' in event) said[event.chunk.fd].push(event.chunk.bytes)
      else if (event.exit.code === 0) return Buffer.concat(said[1]).toString()
      else throw errors.failed(operation, `The sandbox refused: "${Buffer.concat(said[2]).toString().trim().slice(0, 500)}"`)
    }
  } finally {
    stop.abort()
  }
}

/** Signals all processes of the user but the shell that does it. Those of root are the vendor's own: root does nothing, and says so. */
const toAll = (signal: string): string => `if [ "$(id -u)" = 0 ]; then echo root; else kill -s ${signal} -- -1 2>/dev/null || :; fi`

export const STOP = toAll('STOP')
export const GO_ON = toAll('CONT')
export const KILL = toAll('KILL')
