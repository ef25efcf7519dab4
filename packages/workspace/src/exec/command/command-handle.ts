import { type Command, type CommandExit, type CommandInput, type OutputChunk, throwIfAborted } from '@ringfence/core'
import type { ExecContext } from '../context.ts'
import { execErrors } from '../errors.ts'
import { requests } from '../script/requests.ts'
import { endOperation, killOperation, type Operation } from './operation.ts'
import type { Outcome } from './receipt.ts'
import { redactOutput } from './redact-output.ts'
import { follow, spoolSizes } from './spool.ts'

/** Waits for the end of a command; an abort kills all of it and rejects with the reason. */
export async function untilEnd(context: ExecContext, operation: Operation, signal: AbortSignal | undefined): Promise<Outcome> {
  if (!signal) return operation.outcome
  return orKilled(context, operation, operation.outcome, signal)
}

/** Waits for something about a command; an abort kills the command and rejects with the reason. */
export async function orKilled<T>(context: ExecContext, operation: Operation, promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort = (): void => undefined
  const aborted = new Promise<'aborted'>((resolve) => {
    onAbort = () => resolve('aborted')
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
  try {
    const winner = await Promise.race([promise.then((value) => ({ value })), aborted])
    if (winner !== 'aborted') return winner.value
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
  await endOperation(context, operation)
  throw signal.reason
}

/** Refuses an end that cut the output. */
export async function checkLimit({ lane, opId, name, maxSpoolBytes, spool }: Operation, outcome: Outcome): Promise<void> {
  const [out, err] = outcome.bytes
  const sizes = out === undefined || err === undefined ? await spoolSizes(lane, opId, name) : [out, err]
  for (const [index, size] of sizes.entries()) {
    if (size <= maxSpoolBytes) continue
    const end = index === 0 ? 'o' : 'e'
    throw execErrors.outputLimit(opId, maxSpoolBytes, index === 0 ? 'stdout' : 'stderr', `${spool}.${end}`)
  }
}

/** The public part of an outcome. */
export function exitOf({ exitCode, signal, timedOut }: Outcome): CommandExit {
  return { exitCode, signal, timedOut, outputCut: false }
}

/** The handle of a command that runs or ran. */
export function commandHandle(context: ExecContext, operation: Operation, signal: AbortSignal | undefined): Command {
  const { lane, name, opId, claim } = operation
  const stop = new AbortController()
  let detached = false
  const onAbort = (): void => stop.abort(signal?.reason)
  const onClose = (): void => stop.abort(context.closing.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  context.closing.addEventListener('abort', onClose, { once: true })

  const exit = untilEnd(context, operation, signal).then(async (outcome) => {
    await checkLimit(operation, outcome)
    return exitOf(outcome)
  })
  const unlisten = (): void => {
    signal?.removeEventListener('abort', onAbort)
    context.closing.removeEventListener('abort', onClose)
  }
  exit.then(unlisten, unlisten)

  async function* output(): AsyncGenerator<OutputChunk> {
    try {
      throwIfAborted(stop.signal)
      yield* redactOutput(follow(operation, context.clock, stop.signal), context.redact)
    } catch (error) {
      if (!detached) throw error
    }
  }
  return {
    opId,
    output: output(),
    exit,
    ...(claim().kind === 'live' ? { stdin: commandInput(operation) } : {}),
    async kill(name_ = 'SIGTERM') {
      if (operation.ended()) return
      await killOperation(lane, name, name_ === 'SIGKILL' ? 'KILL' : name_ === 'SIGINT' ? 'INT' : 'TERM')
    },
    async detach() {
      detached = true
      stop.abort()
    },
  }
}

/** Live stdin: each piece is acknowledged, so that a command that does not read makes the writer wait. */
function commandInput({ lane, name, ended }: Operation): CommandInput {
  let last: Promise<void> = Promise.resolve()
  let closed = false
  const queue = (work: () => Promise<void>): Promise<void> => {
    const next = last.then(work)
    // What failed was told to who wrote it; what comes after it fails by itself.
    last = next.catch(() => undefined)
    return next
  }
  const writePiece = async (bytes: Uint8Array): Promise<void> => {
    if (ended()) throw execErrors.noStdin('it has ended')
    const answer = await lane.call({ text: requests.write(name, bytes) }, 'if-never')
    if (answer.kind === 'lost') throw execErrors.noStdin('the connection broke, and it is not known what arrived', answer.cause)
    if (answer.kind === 'refused' || answer.words[0] !== 'ok') throw execErrors.noStdin('it has ended, or closed it')
  }
  return {
    async write(data) {
      if (closed) throw execErrors.noStdin('it was closed')
      const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data
      await queue(async () => {
        for (let at = 0; at < bytes.length; at += lane.pieceBytes) await writePiece(bytes.subarray(at, at + lane.pieceBytes))
      })
    },
    async end() {
      if (closed) return
      closed = true
      await queue(async () => {
        if (ended()) return
        const answer = await lane.call({ text: requests.finish(name) }, 'always')
        if (answer.kind === 'lost') throw execErrors.channel(answer)
      })
    },
  }
}
