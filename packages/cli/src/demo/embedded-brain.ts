import { candidateEdits, type Edit, type SourceFile } from './candidate-edits.ts'

/** A call that was made, with what the sandbox answered. */
export interface DoneCall {
  readonly name: string
  readonly arguments: string
  readonly output: string
}

/** What to do next. */
export type BrainStep =
  | { readonly type: 'exec'; readonly command: string }
  | { readonly type: 'patch'; readonly patch: string }
  | { readonly type: 'answer'; readonly text: string }

const TEST = 'node --test --test-reporter=tap 2>&1'
const READ = `git ls-files -- '*.js' '*.mjs' | grep -v -E '(^|/)tests?/|\\.test\\.' | while IFS= read -r f; do echo "=== $f"; cat "$f"; done`
/** More would be guessing. */
const MOST_EDITS = 60

interface TestRun {
  readonly understood: boolean
  readonly passed: boolean
}

function readTestRun(output: string): TestRun {
  const passed = /^# pass (\d+)$/m.exec(output)
  const failed = /^# fail (\d+)$/m.exec(output)
  const exit = /Process exited with code (\d+)/.exec(output)
  const understood = passed !== null && failed !== null && exit !== null
  return { understood, passed: understood && failed[1] === '0' && passed[1] !== '0' && exit[1] === '0' }
}

/** The files that the reading printed, each after a line with its name. */
function readSources(output: string): readonly SourceFile[] {
  const [, body = ''] = /Output:\n([\s\S]*)$/.exec(output) ?? []
  return body.split(/^=== /m).flatMap((part) => {
    const [path = '', ...lines] = part.replace(/\n$/, '').split('\n')
    return lines.length > 0 && path.trim() !== '' ? [{ path: path.trim(), lines }] : []
  })
}

/** One change of a line as a patch, with the lines around it. The file may hold an earlier attempt, which is undone with it. */
function patchText(file: SourceFile, undo: Edit | undefined, edit: Edit | undefined): string {
  const current = file.lines.map((line, index) => (undo?.path === file.path && undo.line === index ? undo.after : line))
  const wanted = file.lines.map((line, index) => (edit?.path === file.path && edit.line === index ? edit.after : line))
  const changed = current.flatMap((line, index) => (line === wanted[index] ? [] : [index]))
  const from = Math.max(0, (changed[0] ?? 0) - 2)
  const to = Math.min(current.length, (changed.at(-1) ?? 0) + 3)
  const hunk: string[] = []
  for (let index = from; index < to; index++) {
    const [before, after] = [current[index], wanted[index]]
    if (before === after) hunk.push(` ${before}`)
    else hunk.push(`-${before}`, `+${after}`)
  }
  return `*** Update File: ${file.path}\n@@\n${hunk.join('\n')}\n`
}

/** Undoes the last attempt and makes the next, in one patch. */
function patchFor(files: readonly SourceFile[], undo: Edit | undefined, edit: Edit | undefined): string {
  const touched = files.filter(({ path }) => path === undo?.path || path === edit?.path)
  return `*** Begin Patch\n${touched.map((file) => patchText(file, undo, edit)).join('')}*** End Patch`
}

const answer = (text: string): BrainStep => ({ type: 'answer', text })

/**
 * A small model without weights, for where no other can be asked: it runs the tests, reads the sources, and tries
 * small edits of the lines that the failure speaks of until the tests pass. Every step follows from what the tools
 * returned, and from nothing else.
 */
export function nextStep(calls: readonly DoneCall[]): BrainStep {
  const [firstRun, reading] = calls
  if (!firstRun) return { type: 'exec', command: TEST }
  const first = readTestRun(firstRun.output)
  if (!first.understood) return answer('I ran the tests and cannot make sense of what came back. I changed nothing.')
  if (first.passed) return answer('All tests pass. There is nothing to mend.')
  if (!reading) return { type: 'exec', command: READ }
  const files = readSources(reading.output)
  if (files.length === 0) return answer('A test fails, and I could not read the sources. I changed nothing.')
  // The first failure tells most: later ones often follow from it.
  const failing = /^\s*not ok .*$/m.exec(firstRun.output)?.[0] ?? ''
  const edits = candidateEdits(files, failing).slice(0, MOST_EDITS)
  const attempts = calls.slice(2)
  const last = attempts.at(-1)
  const tried = attempts.filter(({ name }) => name === 'apply_patch').length
  if (last?.name === 'apply_patch') {
    if (!/^(Done|Success)/m.test(last.output)) return answer(`I could not change the sources: ${last.output.slice(0, 200)}`)
    return { type: 'exec', command: TEST }
  }
  const current = edits[tried - 1]
  if (last && current && readTestRun(last.output).passed)
    return answer(
      `The tests pass now. In ${current.path} line ${current.line + 1} I changed\n  ${current.before.trim()}\nto\n  ${current.after.trim()}`,
    )
  const next = edits[tried]
  if (!next) return answer('A test fails, and no small edit mends it. The sources are as they were but for the last attempt.')
  return { type: 'patch', patch: patchFor(files, current, next) }
}
