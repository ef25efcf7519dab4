import type { CapabilityBinding, FunctionTool } from '@ringfence/core'
import { z } from 'zod'
import { defineTool } from '../define-tool.ts'
import { resolvePath } from '../resolve-path.ts'
import { type NumberedLine, readLines } from './read-lines.ts'

const DEFAULT_LINES = 2_000
const MAX_TEXT = 40_000

const schema = z.object({
  path: z.string().min(1).describe('Path of the file.'),
  offset: z.int().min(1).optional().describe('Number of the first line to return. Default: 1.'),
  limit: z.int().min(1).optional().describe(`Most lines to return. Default: ${DEFAULT_LINES}; fewer are returned when they are long.`),
})

/** The tool `read_file`: some lines of a text file, with their numbers. It reads no further than it shows. */
export function readFileTool(binding: CapabilityBinding): FunctionTool {
  return defineTool({
    name: 'read_file',
    description: 'Reads a text file, with line numbers.',
    schema,
    isIdempotent: true,
    async invoke(args, call, workspace) {
      const first = args.offset ?? 1
      const last = first + (args.limit ?? DEFAULT_LINES) - 1
      const path = resolvePath(args.path, binding.cwd, workspace.root)
      const shown: string[] = []
      let size = 0
      let lastNumber = 0
      for await (const line of readLines(workspace.readStream(path, { signal: call.signal }))) {
        if (line === 'binary') return `read_file failed: "${args.path}" is a binary file.`
        lastNumber = line.number
        if (line.number < first) continue
        const text = format(line)
        size += text.length + 1
        if (line.number > last || (size > MAX_TEXT && shown.length > 0))
          return `${shown.join('\n')}\n(more lines follow; go on with offset=${line.number})`
        shown.push(text)
      }
      if (shown.length > 0) return shown.join('\n')
      return lastNumber === 0
        ? '(the file is empty)'
        : `read_file failed: "${args.path}" has ${lastNumber} lines; offset ${first} is behind its end.`
    },
  })
}

function format({ number, text, omitted }: NumberedLine): string {
  return `L${number}: ${text}${omitted > 0 ? `… (${omitted} more characters)` : ''}`
}
