import { readFileSync, writeFileSync } from 'node:fs'
import { openBench } from '../bench.ts'
import { CASES } from '../scenarios/index.ts'
import { stopsBySignal } from '../stop.ts'

/** Bytes that this process had at most since the mark was set back. */
function highest(): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return Number(kilobytes) * 1024
}

const [id, title, name, settings = ''] = process.argv.slice(2)
const bench = await openBench({ ...JSON.parse(settings), signal: stopsBySignal() })
try {
  const given = CASES.find((one) => one.id === id && one.title === title)
  const variant = (await given?.setUp(bench))?.find((one) => one.name === name)
  if (!variant) throw new Error(`There is no variant "${name}" of "${id}: ${title}"`)
  globalThis.gc?.()
  // Sets the mark back to what there is now.
  writeFileSync('/proc/self/clear_refs', '5')
  const before = process.memoryUsage().rss
  await variant.sample()
  console.log(((highest() - before) / 1e6).toFixed(1))
} finally {
  await bench.close()
}
// The peer leaves a timer behind that would hold the process.
process.exit(0)
