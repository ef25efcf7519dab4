/** A pattern for `grep -E`. */
export interface PosixPattern {
  readonly pattern: string
  readonly ignoresCase: boolean
}

const CLASSES: Readonly<Record<string, string>> = { d: '0-9', s: '[:space:]', w: '[:alnum:]_' }

/**
 * Writes a regular expression as models know them in the extended form of POSIX: `\d`, `\s`, `\w` and their opposites,
 * groups that capture nothing, and a leading `(?i)`. What POSIX does not have stays as it is, for grep to complain about.
 */
export function toPosixPattern(source: string): PosixPattern {
  const ignoresCase = source.startsWith('(?i)')
  const rest = ignoresCase ? source.slice(4) : source
  let pattern = ''
  for (let at = 0; at < rest.length; ) {
    const piece = rest[at] === '[' ? bracket(rest, at) : outside(rest, at)
    pattern += piece.text
    at += piece.length
  }
  return { pattern, ignoresCase }
}

interface Piece {
  readonly text: string
  readonly length: number
}

function outside(source: string, at: number): Piece {
  if (source.startsWith('(?:', at)) return { text: '(', length: 3 }
  const char = source[at] ?? ''
  if (char !== '\\') return { text: char, length: 1 }
  const next = source[at + 1] ?? ''
  const members = CLASSES[next.toLowerCase()]
  if (members !== undefined) return { text: next === next.toLowerCase() ? `[${members}]` : `[^${members}]`, length: 2 }
  if (next === 't') return { text: '\t', length: 2 }
  // GNU grep warns of a backslash before a letter or sign that needs none.
  return { text: /[\w.*+?()[\]{}|^$\\]/.test(next) ? `\\${next}` : next || '\\\\', length: 1 + next.length }
}

/** A bracket expression. Within one, POSIX knows no backslash: `]` goes first, `-` last. */
function bracket(source: string, start: number): Piece {
  let at = start + 1
  const isNegated = source[at] === '^'
  if (isNegated) at++
  let members = ''
  let [hasBracket, hasCaret, hasDash] = [false, false, false]
  for (const first = at; at < source.length; at++) {
    const char = source[at] ?? ''
    const named = /^\[:\w+:\]/.exec(source.slice(at))?.[0]
    if (named) {
      members += named
      at += named.length - 1
    } else if (char === ']' && at > first) {
      return { text: join(members, { isNegated, hasBracket, hasCaret, hasDash }), length: at + 1 - start }
    } else if (char === '\\' && at + 1 < source.length) {
      const next = source[++at] ?? ''
      if (next === ']') hasBracket = true
      else if (next === '^') hasCaret = true
      else if (next === '-') hasDash = true
      else members += CLASSES[next] ?? (next === 't' ? '\t' : next)
    } else if (char === ']') hasBracket = true
    else members += char
  }
  // It is never closed: grep says so.
  return { text: source.slice(start), length: source.length - start }
}

function join(members: string, has: { isNegated: boolean; hasBracket: boolean; hasCaret: boolean; hasDash: boolean }): string {
  const body = `${has.hasBracket ? ']' : ''}${members}${has.hasCaret ? '^' : ''}${has.hasDash ? '-' : ''}`
  if (!has.isNegated && body === '^') return '\\^'
  return has.isNegated ? `[^${body}]` : `[${body.startsWith('^') ? `${body.slice(1)}^` : body}]`
}
