import { TURBO_ENV } from '../setup.mjs'
import type { Check } from './lib/check.ts'
import { publishedPackages } from './lib/repository.ts'
import { runBin, type ToolResult, tail } from './lib/tool.ts'

/** The packed form of each package: publint, and what TypeScript makes of its types. Unchanged packages are not packed again. */
export const packageCheck: Check = {
  name: 'package',
  async run(root) {
    const result = await runBin(
      root,
      'turbo',
      ['run', 'check:package', '--continue=dependencies-successful', '--output-logs=errors-only'],
      TURBO_ENV,
    )
    const published = publishedPackages(root).length
    const { total, failed } = readTurbo(result)
    const findings = failed.map((name) => ({ file: name, rule: linesOf(name, result), fix: 'correct the package.json or the exports' }))
    if (result.code !== 0 && findings.length === 0) throw new Error(`turbo failed:\n    ${tail(result, 40)}`)
    // Two tasks each: the build, and this check.
    if (total < 2 * published)
      throw new Error(`turbo ran ${total} tasks for ${published} packages: one has no script "build" or "check:package"`)
    return { checked: published, findings }
  },
}

/** Reads turbo's summary. */
export function readTurbo({ stdout, stderr }: ToolResult): { total: number; failed: string[] } {
  const text = `${stdout}\n${stderr}`
  const total = Number(/Tasks: +\d+ successful, (\d+) total/.exec(text)?.[1] ?? 0)
  const failed = /Failed: +(.*)/.exec(text)?.[1]?.split(', ') ?? []
  return { total, failed: failed.map((name) => name.trim()) }
}

function linesOf(task: string, { stdout, stderr }: ToolResult): string {
  const [name, script] = task.split('#')
  const prefix = `${name}:${script}: `
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.startsWith(prefix))
  return lines
    .map((line) => line.slice(prefix.length))
    .slice(-30)
    .join('\n    ')
}
