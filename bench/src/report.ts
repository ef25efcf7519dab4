import type { Figure } from './measure.ts'
import type { Unit } from './scenario.ts'

/** The head of each table. */
const COLUMNS = ['', 'scenario', 'variant', 'median', 'p95', 'min', 'spread', 'x floor', 'goal', 'verdict'] as const

const NUMBERS: readonly string[] = ['median', 'p95', 'min', 'spread', 'x floor']

const SHOWN = { ms: ' ms', MB: ' MB', x: '', count: '' } as const satisfies Record<Unit, string>

/** Fewer samples have no slow twentieth. */
const LEAST_FOR_P95 = 20

/** Three figures are enough, and no more are true. */
function number(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toFixed(digits)
}

function amount(value: number, unit: Unit): string {
  if (unit === 'count') return String(value)
  return `${unit === 'x' ? 'x' : ''}${number(value)}${SHOWN[unit]}`
}

/** The cells of one row. */
function cellsOf(figure: Figure): string[] {
  const { id, title, variant, stats, unit, overFloor, goal, verdict } = figure
  const show = (value: number | undefined): string => (value === undefined ? '-' : amount(value, unit))
  const p95 = stats && stats.count >= LEAST_FOR_P95 ? show(stats.p95) : ''
  const shown = [show(stats?.median), p95, show(stats?.min), show(stats?.spread)]
  return [id, title, variant, ...shown, overFloor === undefined ? '' : `x${number(overFloor)}`, goal, verdict === '-' ? '' : verdict]
}

/** Text in columns, the id and title of a case on its first line alone. */
export function textTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure, index) => {
    const cells = cellsOf(figure)
    const isSame = figures[index - 1]?.id === figure.id && figures[index - 1]?.title === figure.title
    return isSame ? ['', '', ...cells.slice(2)] : cells
  })
  const all = [[...COLUMNS], ...rows]
  const widths = COLUMNS.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const isNumber = (column: number): boolean => NUMBERS.includes(COLUMNS[column] ?? '')
  return all
    .map((row) =>
      row
        .map((cell, column) => (isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** What went wrong or was not run, and where the time of each missed goal went. */
export function notesOf(figures: readonly Figure[]): string[] {
  return figures.flatMap(({ id, title, variant, verdict, error, profile, unit }) => {
    const name = `${id} ${title}: ${variant}`
    if (verdict === 'not run') return [`${id} ${title} not run: ${error}`]
    if (error !== undefined) return [`${name} FAILED: ${error}`]
    if (verdict !== 'MISSED') return []
    const parts = profile.map((phase) => `    ${number(phase.ms).padStart(8)} ms  ${phase.name}`)
    return [[`${name} MISSED${unit === 'ms' && parts.length > 0 ? ', where the time goes:' : ''}`, ...parts].join('\n')]
  })
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|')
}

/** The same as a table of a page. */
export function markdownTable(figures: readonly Figure[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`
  const rule = COLUMNS.map((name) => (NUMBERS.includes(name) ? '---:' : '---'))
  return [line(COLUMNS), line(rule), ...figures.map((figure) => line(cellsOf(figure)))].join('\n')
}

const BEGIN = '<!-- figures -->'
const END = '<!-- /figures -->'

/**
 * Puts figures between the marks of a page; what stands around them is kept.
 *
 * @throws Error when a page that is there has no marks.
 */
export function intoPage(page: string, figures: string): string {
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`The page has no "${BEGIN}" and "${END}" to put the figures between`)
  return `${page.slice(0, begin + BEGIN.length)}\n\n${figures}\n\n${page.slice(end)}`
}
