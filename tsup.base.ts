import { defineConfig, type Options } from 'tsup'
import { COMPILE, entriesOf } from './tools/build/entries.mjs'

/** The one build configuration: ESM for Node 20 with types. The entries are those of the package.json in the working directory. */
export function packageConfig(overrides: Options = {}): ReturnType<typeof defineConfig> {
  const { modules, bins } = entriesOf(process.cwd())
  return defineConfig({
    ...COMPILE,
    entry: { ...modules, ...bins },
    dts: { entry: modules, compilerOptions: { customConditions: [], isolatedDeclarations: false, incremental: false, composite: false } },
    clean: true,
    ...overrides,
  })
}
