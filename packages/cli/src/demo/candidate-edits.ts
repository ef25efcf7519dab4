/** A file of the repository, as the sandbox showed it. */
export interface SourceFile {
  readonly path: string
  readonly lines: readonly string[]
}

/** One line changed. */
export interface Edit {
  readonly path: string
  /** From 0. */
  readonly line: number
  readonly before: string
  readonly after: string
}

/** Small slips of a pen: what stands on the left may have been meant as what stands on the right. */
const SLIPS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/(?<![=<>])>(?![=>])/g, ['>=', '<']],
  [/(?<![=<>])<(?![=<])/g, ['<=', '>']],
  [/>=/g, ['>', '<=']],
  [/<=/g, ['<', '>=']],
  [/===/g, ['!==']],
  [/!==/g, ['===']],
  [/(?<=\s)\+(?=\s)/g, ['-', '*']],
  [/(?<=\s)-(?=\s)/g, ['+']],
  [/(?<=\s)\*(?=\s)/g, ['/', '+']],
  [/(?<=\s)\/(?=\s)/g, ['*']],
  [/&&/g, ['||']],
  [/\|\|/g, ['&&']],
  [/\btrue\b/g, ['false']],
  [/\bfalse\b/g, ['true']],
  [/\bMath\.floor\b/g, ['Math.round', 'Math.ceil']],
  [/\bMath\.ceil\b/g, ['Math.round', 'Math.floor']],
]

/** Numbers that lie near, or a power of ten away. */
function nearNumbers(text: string): readonly string[] {
  const value = Number(text)
  const near = [value + 1, value - 1, value * 10, value / 10].map((one) => Number(one.toPrecision(12)))
  return [...new Set(near)].filter((one) => one !== value && one >= 0).map(String)
}

function editsOfLine(line: string): readonly string[] {
  const edits: string[] = []
  const put = (index: number, length: number, text: string): number => edits.push(line.slice(0, index) + text + line.slice(index + length))
  for (const [pattern, others] of SLIPS) {
    for (const match of line.matchAll(pattern)) {
      // An arrow is no comparison.
      if (match[0] === '>' && line[match.index - 1] === '=') continue
      for (const other of others) put(match.index, match[0].length, other)
    }
  }
  for (const match of line.matchAll(/\b\d+(\.\d+)?\b/g)) for (const other of nearNumbers(match[0])) put(match.index, match[0].length, other)
  return edits
}

const isCode = (line: string): boolean => !/^\s*(\/\/|\/?\*|import\b|export\s+\{)/.test(line) && line.trim() !== ''

/** The words of a text that could be names. */
const wordsOf = (text: string): ReadonlySet<string> => new Set(text.toLowerCase().match(/[a-z]{3,}/g) ?? [])

/** How likely a line is the one: it, or the function that it is in, is spoken of in the failure. */
function scoreOf(file: SourceFile, line: number, failure: ReadonlySet<string>): number {
  const near = file.lines.slice(Math.max(0, line - 4), line + 1).join('\n')
  const header = [...near.matchAll(/function\s+([A-Za-z]+)/g)].at(-1)?.[1]?.toLowerCase()
  const named = header !== undefined && failure.has(header) ? 10 : 0
  return named + [...wordsOf(file.lines[line] ?? '')].filter((word) => failure.has(word)).length
}

/** Every small edit of the sources, the likeliest first. */
export function candidateEdits(files: readonly SourceFile[], failure: string): readonly Edit[] {
  const words = wordsOf(failure)
  const scored = files.flatMap((file) =>
    file.lines.flatMap((before, line) =>
      isCode(before)
        ? editsOfLine(before).map((after) => ({ score: scoreOf(file, line, words), edit: { path: file.path, line, before, after } }))
        : [],
    ),
  )
  return scored.sort((a, b) => b.score - a.score).map(({ edit }) => edit)
}
