import type { Check, Finding } from './lib/check.ts'
import { runBin, tail } from './lib/tool.ts'

interface BiomeReport {
  readonly summary: { readonly changed: number; readonly unchanged: number }
  readonly diagnostics: readonly {
    readonly severity: string
    readonly message: string
    readonly category: string
    readonly location: { readonly path: string; readonly start: { readonly line: number } }
  }[]
}

/** The formatter and the linter over all files. */
export const biomeCheck: Check = {
  name: 'biome',
  async run(root) {
    const result = await runBin(root, 'biome', ['ci', '--reporter=json', '--colors=off', '--max-diagnostics=none', '.'])
    if (!result.stdout.startsWith('{')) throw new Error(`biome gave no report:\n    ${tail(result)}`)
    const report: BiomeReport = JSON.parse(result.stdout)
    const findings = findingsOf(report)
    if (result.code !== 0 && findings.length === 0) throw new Error(`biome failed and says not why:\n    ${tail(result)}`)
    return { checked: report.summary.changed + report.summary.unchanged, findings }
  },
}

/** Errors and warnings of a report. What is merely an information is left to the writer. */
export function findingsOf({ diagnostics }: BiomeReport): Finding[] {
  return diagnostics
    .filter(({ severity }) => severity !== 'info')
    .map(({ category, message, location: { path, start } }) => ({
      file: `${path}:${start.line}`,
      rule: `${category}: ${message}`,
      fix: category.startsWith('lint') ? 'correct it, or `npx biome check --write`' : 'npx biome check --write .',
    }))
}
