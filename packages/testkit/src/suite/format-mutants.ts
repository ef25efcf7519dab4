import type { MutantOutcome, MutantReport } from './run-mutants.ts'

const MARKS: Readonly<Record<MutantOutcome, string>> = { killed: 'x', survived: 'o', 'not-run': '.' }

/** The table of requirements and mutants as text: `x` failed as it should, `o` survived, `.` not run; then the problems. */
export function formatMutants(report: MutantReport): string {
  const width = Math.max(...report.requirements.map((id) => id.length))
  const lines = report.mutants.map(({ id }, index) => `${String(index + 1).padStart(3)}  ${id}`)
  lines.push('', `${''.padEnd(width)}  ${report.mutants.map((_, index) => String(index + 1).padStart(3)).join('')}`)
  for (const id of report.requirements) {
    const marks = report.mutants.map(({ outcomes }) => MARKS[outcomes[id] ?? 'not-run'].padStart(3))
    lines.push(`${id.padEnd(width)}  ${marks.join('')}`)
  }
  if (report.problems.length > 0) lines.push('', ...report.problems.map((problem) => `problem: ${problem}`))
  return `${lines.join('\n')}\n`
}
