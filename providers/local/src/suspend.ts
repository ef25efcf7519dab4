import { existsSync } from 'node:fs'
import type { SuspendFacet } from '@ringfence/core'
import { errors } from './errors.ts'
import type { Freezer } from './freezer.ts'
import type { Link } from './link.ts'

const WAIT_MS = 5
/** What cannot be frozen in this time hangs in the kernel, as on a file system of the network that does not answer. */
const FREEZE_MS = 10_000

/** Stops a sandbox by the freezer of its control group. The keeper is outside of it, and ends it also while it is frozen. */
export function suspendFacet(link: Link, freezer: Freezer): SuspendFacet {
  const { layout, context } = link
  /** Whoever ends a sandbox writes the mark before it thaws: it is looked for after the freezer is set, so that one sees the other. */
  const checkAlive = (operation: string): void => {
    if (existsSync(layout.directory) && !existsSync(layout.ended)) return
    freezer.thaw()
    throw errors.gone(operation, layout.id)
  }
  return {
    async pause() {
      link.check('suspend.pause')
      freezer.freeze()
      const end = context.clock.monotonic() + FREEZE_MS
      for (;;) {
        checkAlive('suspend.pause')
        if (freezer.isFrozen()) return
        if (context.clock.monotonic() > end) {
          freezer.thaw()
          throw errors.failed('suspend.pause', `Something in the sandbox could not be stopped within ${FREEZE_MS / 1000} seconds`)
        }
        await context.clock.sleep(WAIT_MS)
      }
    },
    async resume() {
      link.check('suspend.resume')
      freezer.thaw()
      checkAlive('suspend.resume')
    },
  }
}
