import { posix } from 'node:path'
import type { CapabilityBinding, ExecResult, FunctionTool } from '@ringfence/core'
import { z } from 'zod'
import { defineTool } from '../define-tool.ts'
import { resolvePath } from '../resolve-path.ts'
import { toPosixPattern } from './posix-pattern.ts'

const MAX_MATCHES = 200
const MAX_LINE = 500
const MAX_TEXT = 40_000
const DEADLINE_MS = 60_000

const schema = z.object({
  pattern: z.string().min(1).describe('Regular expression (POSIX extended, with \\d, \\s and \\w) that a line must match.'),
  path: z.string().optional().describe('File or directory to search. Default: the directory that paths begin at.'),
  include: z.string().optional().describe('Pattern that the names of files must match, such as "*.ts" or "*.{ts,tsx}".'),
})

// The first argument is how many lines are printed, the second where, the third whether case is ignored, the fourth the
// pattern, the others an expression for find. A long line is cut by the harness; here only the sum of all.
const SCRIPT = `limit=$1 where=$2 case=$3 pattern=$4; shift 4
find "$where" -type d '(' -name .git -o -name node_modules ')' -prune -o -type f "$@" -exec grep -nHIE $case -e "$pattern" {} + | head -n "$limit" | head -c 4194304`

/** The tool `grep_files`: searches inside of the sandbox with find and grep, which each sandbox has. */
export function grepFiles(binding: CapabilityBinding): FunctionTool {
  return defineTool({
    name: 'grep_files',
    description: 'Finds lines in the files of the workspace by a regular expression; leaves out .git, node_modules and binary files.',
    schema,
    isIdempotent: true,
    async invoke(args, call, workspace) {
      const path = resolvePath(args.path || '.', binding.cwd, workspace.root)
      const where = posix.relative(binding.cwd || '.', path)
      const { pattern, ignoresCase } = toPosixPattern(args.pattern)
      const result = await workspace.exec(
        ['sh', '-c', SCRIPT, 'sh', String(MAX_MATCHES + 1), `./${where}`, ignoresCase ? '-i' : '', pattern, ...nameTests(args.include)],
        {
          cwd: binding.cwd || '.',
          env: { LC_ALL: 'C.UTF-8' },
          opId: call.idempotencyKey,
          signal: call.signal,
          timeoutMs: DEADLINE_MS,
          maxOutputBytes: 5 * 1024 * 1024,
        },
      )
      return report(result)
    },
  })
}

/** Tests for find. It knows no braces, so each alternative is a test of its own. */
function nameTests(include: string | undefined): string[] {
  if (!include) return []
  const tests = expandBraces(include).flatMap((glob) => [
    '-o',
    ...(glob.includes('/') ? ['-path', `*/${glob.replace(/^\.?\//, '')}`] : ['-name', glob]),
  ])
  return ['(', ...tests.slice(1), ')']
}

/** `*.{ts,tsx}` as `*.ts` and `*.tsx`. */
function expandBraces(glob: string): string[] {
  const match = /^(.*?)\{([^{}]*)\}(.*)$/.exec(glob)
  if (!match) return [glob]
  const [, before = '', inner = '', after = ''] = match
  return inner
    .split(',')
    .flatMap((one) => expandBraces(`${before}${one}${after}`))
    .slice(0, 64)
}

function report({ stdout, stderr, timedOut }: ExecResult): string {
  const lines = stdout.split('\n').filter((line) => line !== '')
  const complaint = stderr.split('\n').find((line) => line !== '')
  if (lines.length === 0) {
    if (timedOut) return `grep_files failed: it found nothing in ${DEADLINE_MS / 1000} seconds; search a smaller directory.`
    return complaint ? `No matches found; ${complaint}` : 'No matches found.'
  }
  const shown: string[] = []
  let size = 0
  for (const line of lines.slice(0, MAX_MATCHES)) {
    const name = line.startsWith('./') ? line.slice(2) : line
    const text = name.length > MAX_LINE ? `${name.slice(0, MAX_LINE)}…` : name
    size += text.length + 1
    if (size > MAX_TEXT) break
    shown.push(text)
  }
  if (shown.length < lines.length) shown.push('(more matches; narrow the pattern, the path or include)')
  if (timedOut) shown.push(`(stopped after ${DEADLINE_MS / 1000} seconds; search a smaller directory)`)
  return shown.join('\n')
}
