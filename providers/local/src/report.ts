import type { Socket } from 'node:net'
import { constants } from 'node:os'
import type { ExitStatus } from '@ringfence/core'
import { deferred } from './deferred.ts'

/** How a start went. `cut`: the channel ended without a word. */
export type Started =
  | { readonly kind: 'started'; readonly pid: number; readonly script: number | undefined; readonly terminal: string | undefined }
  | { readonly kind: 'missing'; readonly program: string | undefined }
  | { readonly kind: 'failed'; readonly said: string }
  | { readonly kind: 'cut' }

/** How a process ended. `forged`: what came is nothing that the scripts write. */
export type Ended = { readonly kind: 'exit'; readonly status: ExitStatus } | { readonly kind: 'cut' } | { readonly kind: 'forged' }

export interface Report {
  readonly started: Promise<Started>
  readonly ended: Promise<Ended>
}

/** More than the scripts ever write. */
const MAX_BYTES = 8192
const LINE = /^(?:(pid) (\d{1,10})(?: (\d{1,5}))?|(script) (\d{1,10})|(missing)(?: (script))?|(exit) (\d{1,3}))$/
const SIGNALLED = /^setsid: child \d+ did not exit normally/

/**
 * Follows what the waiter of one process writes. It is written where hostile code runs: lines have one of four forms,
 * and numbers are used inside only.
 */
export function followReport(socket: Socket): Report {
  const { promise: started, resolve: start } = deferred<Started>()
  const { promise: ended, resolve: end } = deferred<Ended>()
  let rest = ''
  let bytes = 0
  let said = ''
  let script: number | undefined
  const take = (line: string): void => {
    const match = LINE.exec(line)
    if (!match) {
      said = `${said} ${line.replace(/[^\x20-\x7e]/g, '?')}`.slice(0, 500)
      return
    }
    if (match[1]) start({ kind: 'started', pid: Number(match[2]), terminal: match[3], script })
    else if (match[4]) script = Number(match[5])
    else if (match[6]) start({ kind: 'missing', program: match[7] })
    else {
      start({ kind: 'failed', said: said.trim() || `it ended with status ${match[9]}` })
      end(statusOf(Number(match[9]), SIGNALLED.test(said.trim())))
    }
  }
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    bytes += text.length
    const lines = (rest + text.slice(0, MAX_BYTES)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(line)
    if (bytes <= MAX_BYTES) return
    start({ kind: 'failed', said: 'more came as its report than is ever written' })
    end({ kind: 'forged' })
    socket.destroy()
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    start({ kind: 'cut' })
    end({ kind: 'cut' })
  })
  return { started, ended }
}

function statusOf(code: number, signalled: boolean): Ended {
  if (code > 255) return { kind: 'forged' }
  if (!signalled) return { kind: 'exit', status: { code, signal: null } }
  const number = code & 0x7f
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `SIG${number}`
  return { kind: 'exit', status: { code: null, signal: name } }
}
