import { relative } from 'node:path'
import { ROOT } from './setup.mjs'

/** @typedef {{ passed: number, failed: number, skipped: number, skippedNames: string[], reasons: string[] }} Summary */
/** @typedef {{ status: string, fullName: string }} TestResult */
/** @typedef {{ testResults: { name: string, status: string, assertionResults: TestResult[] }[] }} Report */

/**
 * Counts the JSON report of vitest. What went wrong outside of a test counts as a failure too: a file that does not load, an
 * error that nobody handled, a run in which nothing passed.
 *
 * @param {Report | undefined} report
 * @param {number} exitCode of vitest.
 * @returns {Summary}
 */
export function summarise(report, exitCode) {
  const summary = /** @type {Summary} */ ({ passed: 0, failed: 0, skipped: 0, skippedNames: [], reasons: [] })
  for (const file of report?.testResults ?? []) {
    const name = relative(ROOT, file.name)
    for (const test of file.assertionResults) {
      if (test.status === 'passed') summary.passed++
      else if (test.status === 'failed') summary.failed++
      else {
        summary.skipped++
        summary.skippedNames.push(`${name}: ${test.fullName}`)
      }
    }
    if (file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed')) {
      summary.failed++
      summary.reasons.push(`${name} failed outside of its tests`)
    }
  }
  if (summary.failed === 0 && exitCode !== 0) {
    summary.failed++
    summary.reasons.push(`vitest ended with exit code ${exitCode} though no test failed: what it printed stands above`)
  }
  if (summary.failed === 0 && summary.passed === 0) {
    summary.failed++
    summary.reasons.push('no test passed: nothing was tested')
  }
  return summary
}
