import type { Hunk, HunkLine } from './parse-patch.ts'
import { refuse } from './refuse.ts'

interface FileLine {
  readonly text: string
  /** `\n`, `\r\n`, or nothing at the end of a file without a final newline. */
  readonly eol: string
}

/** Finds lines in a file: as they are, else without trailing space, else without space at both ends. */
interface Finder {
  find(wanted: readonly string[], from: number, isAtEnd?: boolean): number | undefined
}

const NORMAL_FORMS: readonly ((text: string) => string)[] = [(text) => text, (text) => text.trimEnd(), (text) => text.trim()]

/**
 * The text of a file after the changes. Lines that stay keep their own space and line ends, also where a change
 * matches them only loosely; new lines get the line end that most lines have; whether the file ends with a newline stays as it is.
 *
 * @throws `config.invalid` when a change does not fit, with what it looked for.
 */
export function applyHunks(content: string, hunks: readonly Hunk[]): string {
  const lines = splitLines(content)
  const finder = createFinder(lines.map((line) => line.text))
  const count = (end: string): number => lines.filter((line) => line.eol === end).length
  const eol = count('\r\n') > count('\n') ? '\r\n' : '\n'
  const result: FileLine[] = []
  let at = 0
  for (const [index, hunk] of hunks.entries()) {
    const { start, changes } = locate(finder, hunk, at, lines.length, index + 1)
    result.push(...lines.slice(at, start))
    at = start
    for (const { kind, text } of changes) {
      if (kind === '+') result.push({ text, eol })
      else {
        const line = lines[at++]
        if (kind === ' ' && line) result.push(line)
      }
    }
  }
  for (const line of lines.slice(at)) result.push(line)
  return joinLines(result, eol, content === '' || content.endsWith('\n'))
}

/** Where a change goes, from `at` on. */
function locate(finder: Finder, hunk: Hunk, at: number, length: number, number: number): { start: number; changes: readonly HunkLine[] } {
  let from = at
  let anchorAt: number | undefined
  for (const anchor of hunk.anchors) {
    const found = finder.find([anchor], from)
    // An anchor that an earlier change has passed still holds: two changes can be in one function.
    if (found === undefined && finder.find([anchor], 0) === undefined) throw misfit(hunk, number, 'its anchor is not in the file', [anchor])
    if (found === undefined) continue
    anchorAt = found
    from = found + 1
  }
  const wanted = oldLines(hunk.lines)
  if (wanted.length === 0) return { start: hunk.isAtEnd || hunk.anchors.length === 0 ? length : from, changes: hunk.lines }
  for (const changes of candidates(hunk.lines)) {
    const old = oldLines(changes)
    // Models repeat the line of the anchor as the first line of context.
    const start = finder.find(old, from, hunk.isAtEnd) ?? (anchorAt === undefined ? undefined : finder.find(old, anchorAt, hunk.isAtEnd))
    if (start !== undefined) return { start, changes }
  }
  throw misfit(hunk, number, whyMissing(finder, hunk, at), wanted)
}

/** The lines of a change, and without empty context at their end, which models put between two files. */
function candidates(lines: readonly HunkLine[]): (readonly HunkLine[])[] {
  const last = lines.findLastIndex((line) => line.kind !== ' ' || line.text !== '')
  return last === lines.length - 1 || last === -1 ? [lines] : [lines, lines.slice(0, last + 1)]
}

function whyMissing(finder: Finder, hunk: Hunk, at: number): string {
  if (finder.find(oldLines(hunk.lines), 0) !== undefined)
    return at === 0
      ? 'these lines stand before its anchor'
      : 'these lines stand before an earlier change or its anchor; changes go in the order of the file'
  const newLines = hunk.lines.filter((line) => line.kind !== '-').map((line) => line.text)
  const isDone = newLines.length > 0 && hunk.lines.some((line) => line.kind === '+') && finder.find(newLines, 0) !== undefined
  return isDone
    ? 'the lines that it replaces are not in the file, but the new ones are: was it applied before?'
    : 'these lines are not in the file'
}

function misfit(hunk: Hunk, number: number, why: string, lines: readonly string[]): Error {
  const shown = lines.slice(0, 12).join('\n')
  const rest = lines.length > 12 ? `\n(and ${lines.length - 12} more)` : ''
  return refuse(
    `Change ${number}, at line ${hunk.lineNumber} of the patch, does not fit: ${why}:\n${shown}${rest}\n`,
    'Read the file again and copy its lines exactly.',
  )
}

function oldLines(lines: readonly HunkLine[]): string[] {
  return lines.filter((line) => line.kind !== '+').map((line) => line.text)
}

function createFinder(lines: readonly string[]): Finder {
  const forms: (readonly string[])[] = [lines]
  const formOf = (level: number, form: (text: string) => string): readonly string[] => {
    forms[level] ??= lines.map(form)
    return forms[level]
  }
  return {
    find(wanted, from, isAtEnd = false) {
      const last = lines.length - wanted.length
      for (const isExactEnd of isAtEnd ? [true, false] : [false]) {
        for (const [level, form] of NORMAL_FORMS.entries()) {
          const file = formOf(level, form)
          const sought = wanted.map(form)
          for (let start = isExactEnd ? Math.max(from, last) : from; start <= last; start++) {
            if (sought.every((text, offset) => file[start + offset] === text)) return start
          }
        }
      }
      return undefined
    },
  }
}

function splitLines(content: string): FileLine[] {
  if (content === '') return []
  const parts = content.split('\n')
  const last = parts.pop()
  const lines = parts.map((part) => (part.endsWith('\r') ? { text: part.slice(0, -1), eol: '\r\n' } : { text: part, eol: '\n' }))
  return last ? [...lines, { text: last, eol: '' }] : lines
}

function joinLines(lines: readonly FileLine[], eol: string, endsWithNewline: boolean): string {
  return lines.map((line, index) => (index === lines.length - 1 && !endsWithNewline ? line.text : line.text + (line.eol || eol))).join('')
}
