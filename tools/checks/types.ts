import type { Check, Finding } from './lib/check.ts'
import { runBin } from './lib/tool.ts'

/** One `tsc` over the whole repository, against the sources. */
export const typesCheck: Check = {
  name: 'types',
  async run(root) {
    const { stdout } = await runBin(root, 'tsc', ['-p', '.', '--noEmit', '--incremental', 'false', '--listFiles', '--pretty', 'false'])
    const lines = stdout.split('\n')
    const checked = lines.filter((line) => line.startsWith('/') && !line.includes('/node_modules/')).length
    return { checked, findings: findingsOf(lines) }
  },
}

/** Reads what tsc prints: `file(line,column): error TS1234: text`, or an error about its configuration. */
export function findingsOf(lines: readonly string[]): Finding[] {
  return lines.flatMap((line) => {
    const [, file = 'tsconfig.json', at, text] = /^(?:(\S.*?)\((\d+),\d+\): )?(error TS\d+: .*)$/.exec(line) ?? []
    if (text === undefined) return []
    return [
      {
        file: at ? `${file}:${at}` : file,
        rule: text,
        fix: 'correct the type; a cast that hides a mismatch is refused by the check "bans"',
      },
    ]
  })
}
