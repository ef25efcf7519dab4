import type { Check, CheckResult } from './lib/check.ts'
import { filesBelow, readText } from './lib/repository.ts'

/** Lines that a file may have; a file above `SOFT` is named and passes. */
const BUDGET = { soft: 250, hard: 400, test: 600 } as const

const FOLDERS = ['packages', 'providers', 'mounts', 'examples', 'bench', 'tools']

/** No file grows past what one reads at once. */
export const fileBudgetCheck: Check = {
  name: 'file-budget',
  run(root) {
    const files = filesBelow(root, FOLDERS, /\.(?:ts|mjs|sh)$/)
    return judgeLines(files.map((file) => ({ file, lines: readText(root, file).split('\n').length - 1 })))
  },
}

/** Compares lengths with the budget. */
export function judgeLines(files: readonly { readonly file: string; readonly lines: number }[]): CheckResult {
  const isTest = (file: string): boolean => /\.test\.ts$|\/test\//.test(file)
  const limitOf = (file: string): number => (isTest(file) ? BUDGET.test : BUDGET.hard)
  const over = files.filter(({ file, lines }) => lines > limitOf(file))
  const long = files.filter(({ file, lines }) => !isTest(file) && lines > BUDGET.soft && lines <= BUDGET.hard)
  return {
    checked: files.length,
    notes: long.map(({ file, lines }) => `${file} has ${lines} lines, more than ${BUDGET.soft}`),
    findings: over.map(({ file, lines }) => ({
      file,
      rule: `it has ${lines} lines, and may have ${limitOf(file)}`,
      fix: 'split it by what its parts do',
    })),
  }
}
