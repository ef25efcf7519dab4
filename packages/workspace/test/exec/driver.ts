import { systemClock, systemRandom, systemRuntime } from '@ringfence/core'
import { openExec } from '../../src/exec/index.ts'
import { hostProvider } from '../host-provider.ts'

/** Drives a sandbox from a process of its own, which its parent kills in the middle. */
const { root, line, opId, wire, timeoutMs } = JSON.parse(process.argv[2] ?? '{}')
const sandbox = await hostProvider({ wire }).resume({ provider: 'host', id: root, data: { root } }, { lifetimeMs: 1000 }, systemRuntime)
const exec = await openExec({ sandbox, epoch: 1, clock: systemClock, random: systemRandom, killGraceMs: 500 })
await exec.start(line, { opId, timeoutMs })
process.stdout.write(`${JSON.stringify(exec.control)}\n`)
setInterval(() => undefined, 1000)
