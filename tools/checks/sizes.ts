import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { COMPILE } from '../build/entries.mjs'
import { TURBO_ENV } from '../setup.mjs'
import type { Check, Finding } from './lib/check.ts'
import { type Package, publishedPackages, readText } from './lib/repository.ts'
import { runBin, runTool, tail } from './lib/tool.ts'

const BUDGETS = 'tools/checks/sizes.json'

/** What each package weighs, minified and without its dependencies, stays within its budget. The time of an import is told. */
export const sizesCheck: Check = {
  name: 'sizes',
  async run(root) {
    const built = await runBin(root, 'turbo', ['run', 'build', '--output-logs=errors-only'], TURBO_ENV)
    if (built.code !== 0) throw new Error(`the build failed:\n    ${tail(built, 30)}`)
    const budgets: Record<string, number> = JSON.parse(readText(root, BUDGETS))
    const notes: string[] = []
    const findings: Finding[] = []
    const packages = publishedPackages(root)
    for (const one of packages) {
      const kib = (await bytesOf(root, one)) / 1024
      const ms = await importMs(root, one)
      notes.push(`${one.manifest.name}: ${kib.toFixed(1)} KiB of ${budgets[one.manifest.name] ?? 'no budget'}; imported in ${ms} ms`)
      findings.push(...judgeSize(one.manifest.name, kib, budgets))
    }
    findings.push(
      ...staleBudgets(
        packages.map(({ manifest }) => manifest.name),
        budgets,
      ),
    )
    return { checked: packages.length, findings, notes }
  },
}

/** Compares a size, in KiB, with the budgets by package name. */
export function judgeSize(name: string, kib: number, budgets: Readonly<Record<string, number>>): Finding[] {
  const budget = budgets[name]
  if (budget === undefined) return [{ file: BUDGETS, rule: `"${name}" has no budget`, fix: `add it: it weighs ${kib.toFixed(1)} KiB` }]
  if (kib <= budget) return []
  return [
    {
      file: BUDGETS,
      rule: `"${name}" weighs ${kib.toFixed(1)} KiB, and may weigh ${budget}`,
      fix: 'find what came in, or raise the budget and say why',
    },
  ]
}

/** Budgets of packages that are gone. */
export function staleBudgets(names: readonly string[], budgets: Readonly<Record<string, number>>): Finding[] {
  const stale = Object.keys(budgets).filter((name) => !names.includes(name))
  return stale.map((name) => ({ file: BUDGETS, rule: `there is no package "${name}"`, fix: 'remove its budget' }))
}

async function bytesOf(root: string, { folder, manifest }: Package): Promise<number> {
  const exported = Object.values(manifest.exports ?? {}).flatMap((target) => (typeof target === 'string' ? [] : [target.default ?? '']))
  const entryPoints = [...exported, ...Object.values(manifest.bin ?? {})].map((output) => join(root, folder, output))
  const { metafile } = await build({
    ...COMPILE,
    entryPoints,
    bundle: true,
    packages: 'external',
    minify: true,
    write: false,
    metafile: true,
    outdir: 'out',
    logLevel: 'silent',
  })
  return Object.values(metafile.outputs).reduce((sum, { bytes }) => sum + bytes, 0)
}

/** The milliseconds that an import takes in a new process, whole. */
async function importMs(root: string, { folder }: Package): Promise<number> {
  const entry = join(root, folder, 'dist/index.js')
  if (!existsSync(entry)) throw new Error(`"${folder}/dist/index.js" is not built`)
  const script = `const t = performance.now(); await import(${JSON.stringify(pathToFileURL(entry).href)}); console.log(Math.round(performance.now() - t))`
  const { code, stdout, stderr } = await runTool(process.execPath, ['--input-type=module', '-e', script], { cwd: join(root, folder) })
  if (code !== 0) throw new Error(`"${folder}" cannot be imported: ${stderr}`)
  return Number(stdout)
}
