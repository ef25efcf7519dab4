import type { ExecContext } from '../context.ts'
import { requests } from '../script/requests.ts'
import { readReceipt } from './await-receipt.ts'
import type { Operation } from './operation.ts'

const TICK_MS = 1000
/** Every so many ticks a long command is asked for. */
const LOOK_TICKS = 5

/**
 * Looks after commands that run for longer than a second: their spools get a watchdog inside, and a supervisor that
 * died is noticed. Runs only while there are commands, and keeps no process alive.
 */
export function supervisor(context: ExecContext): { wake(): void } {
  let awake = false
  const suspects = new Set<Operation>()

  const tend = async (operation: Operation, look: boolean): Promise<void> => {
    const { lane, name, opId, maxSpoolBytes } = operation
    if (!operation.watched) {
      const answer = await lane.call({ text: requests.watch(name, maxSpoolBytes) }, 'always')
      operation.watched = answer.kind === 'done'
    } else if (look && lane.resident) {
      const receipt = await readReceipt(lane, opId, name)
      const dead = !receipt || receipt.state === 'dead'
      if (dead && suspects.has(operation)) operation.lose('it ended without a status')
      else if (dead) suspects.add(operation)
      else suspects.delete(operation)
    }
  }

  const watch = async (): Promise<void> => {
    let ticks = 0
    while (context.running.size > 0) {
      await context.clock.sleep(TICK_MS, { signal: context.closing, unref: true })
      ticks++
      const now = context.clock.monotonic()
      const long = [...context.running].filter(({ since }) => now - since >= TICK_MS)
      for (const one of suspects) if (!context.running.has(one)) suspects.delete(one)
      // A look that fails is made again; the command itself reports what has become of it.
      await Promise.allSettled(long.map((one) => tend(one, ticks % LOOK_TICKS === 0)))
    }
  }

  return {
    wake() {
      if (awake) return
      awake = true
      // It is ended by `close` alone, with nothing left to tell.
      void watch()
        .catch(() => undefined)
        .finally(() => {
          awake = false
        })
    },
  }
}
