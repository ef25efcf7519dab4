import { KEEPER } from '../../src/scripts.ts'
import { withCapability } from './kernel.ts'
import type { Probes } from './probe.ts'

/** Signals the processes of the keeper. What does no harm needs the same right as what ends them. */
const signal = `for p in /proc/[0-9]*; do [ "$(stat -c %u "$p")" = ${KEEPER} ] && kill -s CONT "\${p#/proc/}" && exit 0; done 2>/dev/null; exit 1`
const prolong = '{ echo 999999999 >/ringfence/lease/until.probe; } 2>/dev/null'
const asKeeper = { user: String(KEEPER) }

/** Ways to live longer than allowed, and to end the sandbox from inside. */
export const keeper: Probes = () => [
  { id: 'keeper.signal', what: 'signals the first process', script: signal, off: asKeeper },
  { id: 'keeper.signal-root', what: 'signals the first process as root', script: signal, as: 'root', off: withCapability('KILL') },
  { id: 'keeper.lease', what: 'prolongs its own life', script: prolong, off: asKeeper },
  {
    id: 'keeper.lease-root',
    what: 'prolongs its own life as root',
    script: prolong,
    as: 'root',
    off: withCapability('DAC_OVERRIDE'),
  },
]
