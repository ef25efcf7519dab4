import { refuse } from './refuse.ts'
import { unwrapPatch } from './unwrap-patch.ts'

/** A line of a hunk: context, removed or added. */
export interface HunkLine {
  readonly kind: ' ' | '-' | '+'
  readonly text: string
}

/** One change within a file. */
export interface Hunk {
  /** Lines that lead to the place, one below the other. */
  readonly anchors: readonly string[]
  readonly lines: readonly HunkLine[]
  /** The lines are the last of the file. */
  readonly isAtEnd: boolean
  /** The line of the patch where it begins. */
  readonly lineNumber: number
}

/** What a patch does to one file. */
export type PatchOperation =
  | { readonly type: 'add'; readonly path: string; readonly lines: readonly string[] }
  | { readonly type: 'delete'; readonly path: string }
  | { readonly type: 'update'; readonly path: string; readonly moveTo?: string | undefined; readonly hunks: readonly Hunk[] }

interface Cursor {
  readonly lines: readonly string[]
  readonly firstNumber: number
  at: number
}

const ADD = '*** Add File: '
const DELETE = '*** Delete File: '
const UPDATE = '*** Update File: '
const MOVE = '*** Move to: '
const END_OF_FILE = '*** End of File'
// The head of a hunk of a unified diff. Its line numbers are guesses of the model and lead nowhere.
const UNIFIED = /^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@/

/**
 * The operations of a patch, in their order.
 *
 * @throws `config.invalid` with the number of the line that breaks the format.
 */
export function parsePatch(text: string): readonly PatchOperation[] {
  const cursor: Cursor = { ...unwrapPatch(text), at: 0 }
  const operations: PatchOperation[] = []
  for (;;) {
    while (peek(cursor)?.trim() === '') cursor.at++
    if (peek(cursor) === undefined) break
    operations.push(parseOperation(cursor))
  }
  if (operations.length === 0) throw refuse('The patch is empty: it names no file')
  return operations
}

function parseOperation(cursor: Cursor): PatchOperation {
  const added = takePath(cursor, ADD)
  if (added !== undefined) return { type: 'add', path: added, lines: parseAdded(cursor, added) }
  const deleted = takePath(cursor, DELETE)
  if (deleted !== undefined) return { type: 'delete', path: deleted }
  const updated = takePath(cursor, UPDATE)
  if (updated === undefined)
    throw malformed(cursor, `is none of "${ADD.trim()}", "${DELETE.trim()}" and "${UPDATE.trim()}", with which a file begins`)
  const moveTo = takePath(cursor, MOVE)
  const hunks = parseHunks(cursor)
  if (hunks.length === 0 && moveTo === undefined) throw refuse(`The update of "${updated}" has no changes`)
  return { type: 'update', path: updated, moveTo, hunks }
}

function parseAdded(cursor: Cursor, path: string): string[] {
  const lines: string[] = []
  for (let line = peek(cursor); line !== undefined && !isHeader(line); line = peek(cursor)) {
    if (line.startsWith('+')) lines.push(line.slice(1))
    else if (line !== '' || !isEndOfSection(cursor))
      throw malformed(cursor, `does not begin with "+", as each line of the new file "${path}" must`)
    cursor.at++
  }
  if (lines.length === 0) throw refuse(`The new file "${path}" has no lines`, 'Each of its lines begins with "+".')
  return lines
}

function parseHunks(cursor: Cursor): Hunk[] {
  const hunks: Hunk[] = []
  for (;;) {
    while (peek(cursor) === '' && isEndOfSection(cursor)) cursor.at++
    const line = peek(cursor)
    if (line === undefined || isHeader(line)) return hunks
    hunks.push(parseHunk(cursor))
  }
}

function parseHunk(cursor: Cursor): Hunk {
  const lineNumber = cursor.firstNumber + cursor.at
  const anchors: string[] = []
  for (let line = peek(cursor); line?.startsWith('@@'); line = peek(cursor)) {
    const anchor = UNIFIED.test(line) ? '' : line.slice(2).replace(/^ /, '')
    if (anchor.trim() !== '') anchors.push(anchor)
    cursor.at++
  }
  const lines: HunkLine[] = []
  let isAtEnd = false
  for (let line = peek(cursor); line !== undefined && !line.startsWith('@@') && !isHeader(line) && !isAtEnd; line = peek(cursor)) {
    const kind = line[0] ?? ' '
    if (line.trimEnd() === END_OF_FILE) isAtEnd = true
    else if (kind === ' ' || kind === '-' || kind === '+') lines.push({ kind, text: line.slice(1) })
    else throw malformed(cursor, 'begins with none of " ", "-", "+" and "@@", as each line of an update must')
    cursor.at++
  }
  if (lines.length === 0) throw refuse(`The change at line ${lineNumber} of the patch has no lines`)
  return { anchors, lines, isAtEnd, lineNumber }
}

function peek(cursor: Cursor): string | undefined {
  return cursor.lines[cursor.at]
}

function takePath(cursor: Cursor, marker: string): string | undefined {
  const line = peek(cursor)
  if (line === undefined || !`${line.trim()} `.startsWith(marker)) return undefined
  const path = line.trim().slice(marker.length).trim()
  if (path === '') throw malformed(cursor, 'names no path')
  cursor.at++
  return path
}

function isHeader(line: string): boolean {
  return line.startsWith('*** ') && line.trimEnd() !== END_OF_FILE
}

/** Whether only empty lines come before the next file or the end. */
function isEndOfSection(cursor: Cursor): boolean {
  const next = cursor.lines.slice(cursor.at).find((line) => line !== '')
  return next === undefined || isHeader(next)
}

function malformed(cursor: Cursor, why: string): Error {
  return refuse(`Line ${cursor.firstNumber + cursor.at} of the patch, "${peek(cursor)}", ${why}`)
}
