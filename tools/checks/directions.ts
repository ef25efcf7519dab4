import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cruise, type ICruiseResult, type IFlattenedRuleSet, type IForbiddenRuleType } from 'dependency-cruiser'
import type { Check } from './lib/check.ts'
import { PUBLISHED_ROOTS, plugins } from './lib/repository.ts'

const FOLDERS = [...PUBLISHED_ROOTS, 'examples']

const ANY_PACKAGE = `^(${FOLDERS.join('|')})/`

/** The packages below each layer, beside itself. A layer that is not listed is a plugin: it sees core alone. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  'packages/core': [],
  'packages/workspace': ['packages/core'],
  'packages/testkit': ['packages/core', 'packages/workspace'],
  'packages/harness': ['packages/core', 'packages/workspace'],
}

/** Imports in sources, not in tests, point one way: `core <- plugins`, `core <- workspace <- harness <- cli`, `core, workspace <- testkit`. */
export const directionsCheck: Check = {
  name: 'directions',
  async run(root) {
    const folders = plugins(root).map(({ folder }) => folder)
    const { output } = await cruise(
      FOLDERS.filter((folder) => existsSync(join(root, folder))),
      {
        baseDir: root,
        ruleSet: rulesFor(folders),
        validate: true,
        tsPreCompilationDeps: true,
        doNotFollow: { path: 'node_modules' },
        exclude: { path: '(^|/)(?:(?:dist|fixtures)/|tsup\\.config)' },
        enhancedResolveOptions: { conditionNames: ['@ringfence/source', 'types', 'import', 'default'], exportsFields: ['exports'] },
        tsConfig: { fileName: 'tsconfig.json' },
      },
    )
    const { summary, modules } = typeof output === 'string' ? (JSON.parse(output) as ICruiseResult) : output
    const findings = summary.violations.map(({ from, to, rule, cycle }) => ({
      file: from,
      rule: `${rule.name}: it imports ${cycle ? cycle.map(({ name }) => name).join(' -> ') : to}`,
      fix: fixFor(rule.name),
    }))
    return { checked: modules.filter(({ source }) => source.startsWith('packages/')).length, findings }
  },
}

/** @param folders the folders of the plugins, below the root. */
function rulesFor(folders: readonly string[]): IFlattenedRuleSet {
  const layers: Readonly<Record<string, readonly string[]>> = {
    ...Object.fromEntries(folders.map((folder) => [folder, ['packages/core']])),
    ...LAYERS,
  }
  const forbidden: IForbiddenRuleType[] = Object.entries(layers).map(([folder, below]) => ({
    name: `direction ${folder}`,
    severity: 'error',
    from: { path: `^${folder}/src/`, pathNot: '\\.test\\.ts$' },
    to: { path: ANY_PACKAGE, pathNot: `^(${[folder, ...below].join('|')})/` },
  }))
  forbidden.push(
    {
      name: 'direction packages/cli',
      severity: 'error',
      from: { path: '^packages/cli/src/' },
      to: { path: '^(providers|mounts|examples)/' },
    },
    {
      name: 'published names',
      severity: 'error',
      from: { path: `^((?:${FOLDERS.join('|')})/[^/]+)/` },
      to: { path: ANY_PACKAGE, pathNot: '^$1/', dependencyTypes: ['local'] },
    },
    {
      name: 'no cycle',
      severity: 'error',
      from: { path: '/src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
  )
  return { forbidden }
}

function fixFor(rule: string): string {
  if (rule === 'published names') return 'import another package by its name, as its users do'
  if (rule === 'no cycle') return 'move what both need into a third file'
  return 'move the code to the layer that may import it, or let the caller pass it in'
}
