import type { SuspendFacet } from '@ringfence/core'
import type { Control, Paused } from './control.ts'
import { errors } from './errors.ts'
import { hold, letGo } from './hold.ts'
import { inTurn, type Link } from './link.ts'

export interface Suspending {
  readonly control: Control
  readonly paused: Paused
  /** For how long it goes on, in milliseconds, when another process has paused it. */
  readonly lifetimeMs: number
}

/** Pauses a sandbox, and lets it go on with what is left of its lifetime: the vendor itself counts none while it is paused. */
export function suspending(link: Link, { control, paused, lifetimeMs }: Suspending): SuspendFacet {
  const { id } = link
  const { clock } = link.client.context
  const pause = async (): Promise<void> => {
    const operation = 'suspend.pause'
    const { state, endAt } = await control.info(operation, id)
    if (state === 'paused') return
    await hold(link, operation)
    try {
      await control.pause(operation, id)
    } catch (error) {
      // What cannot be looked at is taken for one that goes on.
      const now = await control.info(operation, id).catch(() => undefined)
      if (now?.state !== 'paused') {
        // The first error tells more.
        await letGo(link, operation).catch(() => undefined)
        throw error
      }
    }
    paused.set(id, endAt.getTime())
  }
  const resume = async (): Promise<void> => {
    const operation = 'suspend.resume'
    const { state } = await control.info(operation, id)
    if (state === 'paused') {
      const until = paused.get(id)
      const left = until === undefined ? lifetimeMs : until - clock.now()
      if (left <= 0) {
        await control.kill(operation, id)
        throw errors.gone(operation, id)
      }
      await control.connect(operation, id, left)
    }
    paused.delete(id)
    await letGo(link, operation)
  }
  return { pause: () => inTurn(link, 'suspend.pause', pause), resume: () => inTurn(link, 'suspend.resume', resume) }
}
