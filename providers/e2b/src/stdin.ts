import { isRingfenceError, type ProcessInput } from '@ringfence/core'
import { ask, cutReason } from './client.ts'
import { CODE, errors, failureOf } from './errors.ts'
import { type Link, whenAwake } from './link.ts'
import { selectorOf } from './rpc.ts'

export interface InputOptions {
  readonly pid: number
  readonly isTerminal: boolean
  hasEnded(): boolean
}

const PIECE = 512 * 1024
const END_OF_INPUT = Buffer.from([4])
const OPERATION = 'process.stdin'

/** The input of a process. Each piece is a message of its own, one after the other. */
export function inputOf(link: Link, { pid, isTerminal, hasEnded }: InputOptions): ProcessInput {
  const { client, rpc } = link
  const process = selectorOf(pid)
  const kind = isTerminal ? 'pty' : 'stdin'
  let isClosed = false
  let last: Promise<unknown> = Promise.resolve()

  /** A message about a process that has ended, or reads no more, is told from one that did not arrive. */
  const tell = async (message: (signal: AbortSignal) => Promise<unknown>): Promise<void> => {
    await whenAwake(link, OPERATION)
    if (hasEnded()) throw errors.stdinLost()
    try {
      await ask(client, { operation: OPERATION }, message)
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
      const { code, message: said } = failureOf(cause)
      if (code === CODE.notFound || (code === CODE.internal && /stdin|pipe/i.test(said)) || hasEnded()) throw errors.stdinLost(cause)
      throw await cutReason(client, OPERATION, link.id, cause)
    }
  }
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const next = last.then(work)
    // Who asked hears of a failure; what comes after it does not depend on it.
    last = next.catch(() => undefined)
    return next
  }
  const put = (value: Uint8Array): Promise<void> =>
    tell((signal) => rpc.sendInput({ process, input: { input: { case: kind, value } } }, { signal }))

  return {
    write: (bytes) => {
      if (isClosed) return Promise.reject(errors.stdinLost())
      // The caller may use its buffer again.
      const copy = Uint8Array.from(bytes)
      return inTurn(async () => {
        for (let at = 0; at < copy.length; at += PIECE) await put(copy.subarray(at, at + PIECE))
      })
    },
    end: () => {
      // A terminal has no half to close: its reader gets the end by the character for it.
      if (isTerminal) return inTurn(() => put(END_OF_INPUT).catch(() => undefined))
      if (isClosed) return last.then(() => undefined)
      isClosed = true
      const closing = inTurn(async () => {
        try {
          await tell((signal) => rpc.closeStdin({ process }, { signal }))
        } catch (error) {
          // What has ended reads no more.
          if (!isRingfenceError(error, 'exec.invalid-stdin')) throw error
        }
      })
      // While the sandbox stands still nobody can hear of it: it is closed when it goes on.
      return link.hold ? Promise.resolve() : closing
    },
  }
}
