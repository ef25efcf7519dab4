import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { RingfenceError, RuntimeContext } from '@ringfence/core'
import { errors } from './errors.ts'
import { makeFifos, openReader, openWriter } from './fifo.ts'
import type { Layout } from './layout.ts'
import { within } from './within.ts'

/** The four FIFOs of one process: input, output, error output, report. */
export interface Slot {
  /** Its name in the requests, as the loop inside reads it. */
  readonly name: string
  /** Its path on the host, without the letter at the end. */
  readonly path: string
}

/** The connection of one holder to a sandbox. */
export interface Link {
  readonly context: RuntimeContext
  readonly layout: Layout
  /** Hands a request to the loop inside. Each is one short line, so that those of several holders do not mix. */
  send(line: string): void
  /** FIFOs that nothing used before. */
  takeSlot(): Promise<Slot>
  /** Throws `sandbox.gone` or `sandbox.closed` where nothing can be asked any more. */
  check(operation: string): void
  /** Why a channel ended without a word: the sandbox is gone, or something inside cut it. */
  explain(operation: string): Promise<RingfenceError>
  /** Calls back when the holder lets go; returns how to take it back. */
  onClose(callback: (reason: RingfenceError) => void): () => void
  /** Lets go of everything; its FIFOs are left where all of the sandbox goes. Idempotent. */
  close(fifos?: 'left'): void
}

/** How long a sandbox that is being ended may take until its keeper is gone. */
const EXPLAIN_MS = 5000
const MAX_BATCH = 64

/**
 * Connects to a sandbox.
 *
 * @param made how many sets of FIFOs are there already in the directory of the holder.
 * @throws `sandbox.gone`.
 */
export function openLink(layout: Layout, holder: string, made: number, context: RuntimeContext): Link {
  const { id } = layout
  let commands: Socket
  let life: Socket
  try {
    life = openReader(layout.life)
    commands = openWriter(layout.commands)
  } catch (cause) {
    throw errors.gone('sandbox.resume', id, cause)
  }
  let closed = false
  let gone = false
  const callbacks = new Set<(reason: RingfenceError) => void>()
  const over = new Promise<void>((resolve) => {
    life.on('close', () => {
      gone = true
      commands.destroy()
      resolve()
    })
  })
  for (const socket of [life, commands]) {
    socket.on('error', () => socket.destroy())
    socket.unref()
  }
  life.resume()
  const slots = slotsOf(join(layout.requests, holder), holder, made)
  return {
    context,
    layout,
    send(line) {
      commands.write(`${line}\n`)
    },
    takeSlot: slots.take,
    check(operation) {
      if (closed) throw errors.closed(operation, id)
      if (gone) throw errors.gone(operation, id)
    },
    async explain(operation) {
      if (!gone && !closed) await within(over, EXPLAIN_MS, context)
      if (closed) return errors.closed(operation, id)
      return gone ? errors.gone(operation, id) : errors.failed(operation, 'The channel of the process was cut inside of the sandbox')
    },
    onClose(callback) {
      callbacks.add(callback)
      return () => callbacks.delete(callback)
    },
    close(fifos) {
      if (closed) return
      closed = true
      for (const callback of callbacks) callback(errors.closed('process.output', id))
      commands.destroy()
      life.destroy()
      if (fifos !== 'left') slots.remove()
    },
  }
}

/** Hands out sets of FIFOs, and makes more in growing batches, since a program must be started for it. */
function slotsOf(directory: string, holder: string, made: number): { take: () => Promise<Slot>; remove: () => void } {
  let next = 0
  let there = made
  let batch = 4
  let making: Promise<void> | undefined
  const make = async (): Promise<void> => {
    if (there === 0) {
      mkdirSync(directory, { recursive: true })
      chmodSync(directory, 0o755)
    }
    const numbers = Array.from({ length: batch }, (_, index) => there + index)
    await makeFifos(numbers.flatMap((number) => ['i', 'o', 'e', 'x'].map((end) => join(directory, `${number}.${end}`))))
    there += batch
    batch = Math.min(batch * 4, MAX_BATCH)
  }
  const remove = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  return {
    async take() {
      while (next >= there) {
        making ??= make().finally(() => {
          making = undefined
        })
        await making
      }
      const number = next++
      return { name: `${holder}/${number}`, path: join(directory, String(number)) }
    },
    remove() {
      if (!making) remove()
      // Whoever waits for them gets the error of the making, and the directory goes with the sandbox in any case.
      else void making.then(remove, remove).catch(() => undefined)
    },
  }
}
