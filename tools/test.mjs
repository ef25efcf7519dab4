// `npm test`: installs what is missing, builds, and runs every test. Arguments go to vitest, such as a path to filter by.
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DEBIAN, installDebian } from './debian.mjs'
import { CACHE, installAll, ROOT, run, turbo } from './setup.mjs'
import { summarise } from './test-report.mjs'

const started = performance.now()

await installAll('test')
const absent = await installDebian('test', Object.values(DEBIAN))
if (absent.length > 0) console.error(`test: the tests that need ${absent.map(({ command }) => command).join(', ')} are skipped`)

const built = await turbo(['build'])
if (built === 0) await runTests()
else end({ passed: 0, failed: 1, skipped: 0, skippedNames: [], reasons: ['the build failed: what it printed stands above'] }, built)

async function runTests() {
  const report = join(CACHE, 'test-report.json')
  mkdirSync(CACHE, { recursive: true })
  rmSync(report, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const code = await run(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', ...reporters, ...process.argv.slice(2)])
  end(summarise(readReport(report), code), code)
}

/** @param {string} path */
function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    console.error(`test: vitest left no report (${error})`)
    return undefined
  }
}

/**
 * @param {import('./test-report.mjs').Summary} summary
 * @param {number} code
 */
function end({ passed, failed, skipped, skippedNames, reasons }, code) {
  for (const name of skippedNames) console.log(`skipped ${name}`)
  for (const reason of reasons) console.error(`test: ${reason}`)
  console.log(`test: ${passed} passed, ${failed} failed, ${skipped} skipped in ${Math.round((performance.now() - started) / 1000)} s`)
  process.exitCode = failed > 0 ? code || 1 : code
}
