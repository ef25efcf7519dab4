import { refuse } from './refuse.ts'

const BEGIN = '*** Begin Patch'
const END = '*** End Patch'
const HEREDOC = /^(?:apply_patch\s*)?<<-?\s*(["']?)(\w+)\1\s*$/
const FENCE = /^```\w*\s*$/

/** Lines of a patch with the number that the first has in the text. */
export interface PatchLines {
  readonly lines: readonly string[]
  readonly firstNumber: number
}

/**
 * The lines between the first and the last line of a patch. Models wrap patches in JSON, in a call of `apply_patch` with
 * a here-document, or in a code fence; these are taken off. Anything else around it is refused, since it might have
 * been meant to do something.
 */
export function unwrapPatch(text: string): PatchLines {
  const lines = unwrapJson(text)
    .split('\n')
    .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  const begin = lines.findIndex((line) => line.trim() === BEGIN)
  const end = lines.findLastIndex((line) => line.trim() === END)
  if (begin === -1) throw refuse(`The text holds no line "${BEGIN}", with which a patch begins`)
  if (end < begin) throw refuse(`The patch does not end with a line "${END}": it may be cut off`)
  checkAround(lines.slice(0, begin), lines.slice(end + 1))
  return { lines: lines.slice(begin + 1, end), firstNumber: begin + 2 }
}

function checkAround(before: readonly string[], after: readonly string[]): void {
  const openers = before.map((line) => line.trim()).filter((line) => line !== '')
  const closers = after.map((line) => line.trim()).filter((line) => line !== '')
  for (const opener of openers) {
    const delimiter = HEREDOC.exec(opener)?.[2]
    if (delimiter === undefined && !FENCE.test(opener)) throw refuse(`The line "${opener}" stands before "${BEGIN}"`)
    // A patch whose last line is the end of the call is complete even when the delimiter was forgotten.
    const closer = closers.pop()
    if (closer !== undefined && closer !== (delimiter ?? '```')) throw refuse(`The line "${closer}" stands after "${END}"`)
  }
  if (closers.length > 0) throw refuse(`The line "${closers[0]}" stands after "${END}"`)
}

/** The patch within `{"input": ...}`, `["apply_patch", ...]`, `{"command": [...]}` or a JSON string; other text as it is. */
function unwrapJson(text: string): string {
  if (!/^\s*[{["]/.test(text)) return text
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // No JSON: the text is judged as a patch.
    return text
  }
  return patchWithin(value) ?? text
}

function patchWithin(value: unknown): string | undefined {
  if (typeof value === 'string') return value.includes(BEGIN) ? value : undefined
  if (typeof value !== 'object' || value === null) return undefined
  const found = Object.values(value)
    .map(patchWithin)
    .filter((one) => one !== undefined)
  if (found.length > 1) throw refuse('The JSON holds more than one patch')
  return found[0]
}
