import { execFile } from 'node:child_process'
import { join } from 'node:path'

export interface ToolResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program and gives all that it printed, whatever its exit code. It throws when the program cannot be started. */
export function runTool(command: string, args: readonly string[], options: { cwd: string; env?: NodeJS.ProcessEnv }): Promise<ToolResult> {
  const { cwd, env = process.env } = options
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd, env, maxBuffer: 256 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error)
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })
}

/** Runs a program of the repository's own dependencies. */
export function runBin(root: string, name: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<ToolResult> {
  return runTool(join(root, 'node_modules/.bin', name), args, env ? { cwd: root, env } : { cwd: root })
}

/** The last lines of what a tool printed, for the message about its failure. */
export function tail({ stdout, stderr }: ToolResult, lines = 20): string {
  return `${stdout}\n${stderr}`.trim().split('\n').slice(-lines).join('\n    ')
}
