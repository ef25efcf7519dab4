import type { Check, Finding } from './lib/check.ts'
import { filesBelow } from './lib/repository.ts'
import { runBin, tail } from './lib/tool.ts'

interface KnipItem {
  readonly name: string
  readonly line?: number
}

interface KnipReport {
  readonly issues: readonly (Readonly<Record<string, unknown>> & { readonly file: string })[]
}

/** Files, exports and dependencies that nothing uses, and dependencies that are used and not declared (knip). */
export const unusedCheck: Check = {
  name: 'unused',
  async run(root) {
    const result = await runBin(root, 'knip', ['--reporter', 'json', '--no-progress', '--no-config-hints'])
    const start = result.stdout.indexOf('{"')
    if (start < 0) throw new Error(`knip gave no report:\n    ${tail(result)}`)
    const findings = findingsOf(JSON.parse(result.stdout.slice(start)))
    return { checked: filesBelow(root, ['packages', 'providers', 'tools'], /\.ts$/).length, findings }
  },
}

/** Reads knip's JSON: per file, lists by kind of issue. */
export function findingsOf({ issues }: KnipReport): Finding[] {
  return issues.flatMap((issue) =>
    Object.entries(issue).flatMap(([kind, items]) => {
      if (!Array.isArray(items) || kind === 'owners') return []
      // A test and a list of subjects for the conformance suite may use anything of this repository: a dependency for it would make the graph of builds a circle.
      const isFree = ({ name }: KnipItem): boolean =>
        kind === 'unlisted' && /\.test\.ts$|\/test\/|\/conformance\.ts$/.test(issue.file) && /^@?ringfence/.test(name)
      return (items.flat() as KnipItem[])
        .filter((item) => !isFree(item))
        .map(({ name, line }) => ({
          file: line ? `${issue.file}:${line}` : issue.file,
          rule: kind === 'files' ? 'nothing imports this file' : `${kind}: "${name}"`,
          fix: kind === 'unlisted' ? 'declare it in the package.json of the workspace' : 'remove it, or use it',
        }))
    }),
  )
}
