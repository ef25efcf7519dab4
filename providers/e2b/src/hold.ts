import { errors } from './errors.ts'
import { holdOf, type Link, type OpenStream } from './link.ts'
import { GO_ON, runScript, STOP } from './run.ts'

/**
 * The vendor cuts all connections when it stops a sandbox, and what is printed while nobody is connected is lost. So the
 * processes are stopped before, by signal, and go on when the connections are there again.
 */
export async function hold(link: Link, operation: string): Promise<void> {
  if (link.hold) return
  link.hold = holdOf()
  // What is being started becomes a stream, or fails.
  await Promise.allSettled(link.starting)
  const cutOff = (isLost: (stream: OpenStream) => boolean): void => {
    for (const stream of [...link.streams].filter(isLost))
      stream.end(errors.failed('process.output', 'The connection was cut: the sandbox was stopped for a moment'))
  }
  cutOff(({ canStop }) => !canStop)
  if (link.streams.size === 0) return
  try {
    const said = await runScript(link, operation, STOP)
    cutOff(() => said !== '')
  } catch (error) {
    await letGo(link, operation)
    throw error
  }
  for (const stream of link.streams) stream.drain()
}

/** Connects anew to what is open, and lets it go on. */
export async function letGo(link: Link, operation: string): Promise<void> {
  const { hold: held } = link
  if (!held) return
  try {
    if (link.isClosed) return
    await Promise.all([...link.streams].map((stream) => stream.reopen()))
    if (link.streams.size > 0) await runScript(link, operation, GO_ON)
  } finally {
    link.hold = undefined
    held.resolve()
  }
}
