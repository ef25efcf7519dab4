import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Package } from '../checks/lib/repository.ts'
import { runTool, tail } from '../checks/lib/tool.ts'
import { ROOT } from '../setup.mjs'

/** Packed packages: the path of a tarball by package name. */
export type Tarballs = ReadonlyMap<string, string>

/** Packs packages as they would be published. */
export async function packAll(packages: readonly Package[], destination: string): Promise<Tarballs> {
  const tarballs = new Map<string, string>()
  for (const { folder, manifest } of packages) {
    const result = await runTool('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', destination], {
      cwd: join(ROOT, folder),
    })
    if (result.code !== 0) throw new Error(`npm pack failed in "${folder}":\n${tail(result)}`)
    const [{ filename }] = JSON.parse(result.stdout) as [{ filename: string }]
    tarballs.set(manifest.name, join(destination, filename))
  }
  return tarballs
}

/**
 * Installs a package from its tarball, with what it declares and nothing else; packages of this repository come from their tarballs too.
 *
 * @param extra further dependencies, such as an optional peer.
 * @throws when npm fails.
 */
export async function installScratch(
  folder: string,
  name: string,
  tarballs: Tarballs,
  extra: Readonly<Record<string, string>> = {},
): Promise<void> {
  const others = [...tarballs].filter(([other]) => other !== name)
  const manifest = {
    private: true,
    type: 'module',
    dependencies: { [name]: `file:${tarballs.get(name)}`, ...extra },
    overrides: Object.fromEntries(others.map(([other, path]) => [other, `file:${path}`])),
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  const args = ['install', '--no-audit', '--no-fund', '--loglevel=error', '--no-package-lock', '--prefer-offline']
  const result = await runTool('npm', args, { cwd: folder })
  if (result.code !== 0) throw new Error(`npm install failed:\n${tail(result)}`)
}

/** Imports each specifier with a Node; the result tells what failed. */
export async function importAll(node: string, folder: string, specifiers: readonly string[]): Promise<string | undefined> {
  const script = `for (const name of ${JSON.stringify(specifiers)}) {
    const module = await import(name)
    if (Object.keys(module).length === 0) throw new Error(name + ' exports nothing')
  }`
  const result = await runTool(node, ['--input-type=module', '-e', script], { cwd: folder })
  return result.code === 0 ? undefined : tail(result)
}

/** Runs each bin of a package for its version. */
export async function runBins(node: string, folder: string, bins: readonly string[]): Promise<string | undefined> {
  for (const bin of bins) {
    const result = await runTool(node, [join(folder, 'node_modules/.bin', bin), '--version'], { cwd: folder })
    if (result.code !== 0 || result.stdout.trim() === '') return `"${bin} --version" ended with exit code ${result.code}:\n${tail(result)}`
  }
  return undefined
}

/** Checks the types that a package ships, as strictly as TypeScript can, for a user with `@types/node`. */
export async function checkTypes(folder: string, specifiers: readonly string[]): Promise<string | undefined> {
  const imports = specifiers.map((specifier, index) => `import * as m${index} from '${specifier}'`)
  writeFileSync(
    join(folder, 'check.ts'),
    `${imports.join('\n')}\nexport const used = [${specifiers.map((_, index) => `m${index}`).join(', ')}]\n`,
  )
  const compilerOptions = {
    ...{ target: 'es2022', lib: ['es2023', 'esnext.disposable'], module: 'nodenext', strict: true, noEmit: true },
    ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false },
    ...{ types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')] },
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['check.ts'] }))
  const { code, stdout, stderr } = await runTool(join(ROOT, 'node_modules/.bin/tsc'), ['-p', '.', '--pretty', 'false'], { cwd: folder })
  if (stderr !== '') return stderr
  // What is wrong in the types of others is for them to mend.
  const errors = stdout
    .split('\n')
    .filter(
      (line) =>
        line.includes('error TS') &&
        (/^(?:check\.ts|tsconfig\.json|error)/.test(line) || line.includes('/@ringfence/') || line.includes('/ringfence/')),
    )
  if (errors.length > 0) return errors.join('\n')
  return code !== 0 && stdout === '' ? `tsc ended with exit code ${code}` : undefined
}
