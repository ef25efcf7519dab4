// `npm run check`: all checks, or those that are named. Each failure tells file, rule and fix.
import { ROOT } from '../setup.mjs'
import { bansCheck } from './bans.ts'
import { biomeCheck } from './biome.ts'
import { changesetsCheck } from './changesets.ts'
import { directionsCheck } from './directions.ts'
import { errorCodesCheck } from './error-codes.ts'
import { fileBudgetCheck } from './file-budget.ts'
import { generatedDocsCheck } from './generated-docs.ts'
import { type Check, runCheck } from './lib/check.ts'
import { packageCheck } from './package.ts'
import { packageShapeCheck } from './package-shape.ts'
import { peerRangesCheck } from './peer-ranges.ts'
import { pluginNamesCheck } from './plugin-names.ts'
import { sizesCheck } from './sizes.ts'
import { snippetsCheck } from './snippets.ts'
import { typesCheck } from './types.ts'
import { unusedCheck } from './unused.ts'
import { versionsCheck } from './versions.ts'
import { wordsCheck } from './words.ts'

/** Those that build come one after another; beside them run those that read. */
const LANES: readonly (readonly Check[])[] = [
  [packageCheck, sizesCheck, changesetsCheck],
  [
    ...[typesCheck, biomeCheck, directionsCheck, pluginNamesCheck, unusedCheck, versionsCheck, bansCheck, fileBudgetCheck],
    ...[packageShapeCheck, errorCodesCheck, generatedDocsCheck, snippetsCheck, wordsCheck, peerRangesCheck],
  ],
]

const names = process.argv.slice(2)
const known = LANES.flat().map(({ name }) => name)
const unknown = names.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  console.error(`check: there is no check "${unknown.join('", "')}". There are: ${known.join(', ')}`)
  process.exit(2)
}

const started = performance.now()
let passed = 0
let failed = 0

async function runLane(checks: readonly Check[]): Promise<void> {
  for (const check of checks) {
    if (names.length > 0 && !names.includes(check.name)) continue
    const outcome = await runCheck(check, ROOT)
    if (outcome.passed) passed++
    else failed++
    console.log([`${outcome.passed ? 'pass' : 'fail'} ${outcome.name} ${outcome.seconds.toFixed(1)} s`, ...outcome.lines].join('\n'))
  }
}

await Promise.all(LANES.map(runLane))
console.log(`check: ${passed} passed, ${failed} failed in ${Math.round((performance.now() - started) / 1000)} s`)
process.exitCode = failed > 0 ? 1 : 0
