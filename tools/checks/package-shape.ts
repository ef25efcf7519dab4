import { existsSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import type { Check, Finding } from './lib/check.ts'
import { filesBelow, type Package, packagesIn, publishedPackages, readText } from './lib/repository.ts'

/** The headings of each package's README, in this order. */
export const SECTIONS = ['What', 'Install', 'Use', 'Options', 'Features', 'Limits', 'Errors'] as const

const FILES = ['dist', 'src', '!src/**/*.test.ts']
const SCRIPTS = { build: 'tsup', 'check:package': 'publint --strict && attw --pack --profile esm-only' }
const KINDS = /^(provider|mount|snapshot-store|tracer|model|journal-store)-(.+)$/

/** Every published package is made alike: fields, exports, README, tests; plugins have core as their only peer. */
export const packageShapeCheck: Check = {
  name: 'package-shape',
  run(root) {
    const published = publishedPackages(root)
    const examples = packagesIn(root, ['examples'])
    const findings = [...published.flatMap((one) => [...shapeOf(one), ...filesOf(root, one)]), ...examples.flatMap(exampleShapeOf)]
    return { checked: published.length, findings }
  },
}

/** What is wrong with the fields of a package.json. */
export function shapeOf(one: Package): Finding[] {
  const { folder, manifest } = one
  const findings: Finding[] = []
  const expect = (field: string, actual: unknown, wanted: unknown): void => {
    if (JSON.stringify(actual) === JSON.stringify(wanted)) return
    findings.push({
      file: `${folder}/package.json`,
      rule: `"${field}" is ${JSON.stringify(actual)}`,
      fix: `make it ${JSON.stringify(wanted)}`,
    })
  }
  expect('name', manifest.name, nameFor(folder))
  expect('license', manifest.license, 'Apache-2.0')
  expect('type', manifest.type, 'module')
  expect('sideEffects', manifest.sideEffects, false)
  expect('engines', manifest.engines, { node: '>=20' })
  expect('files', manifest.files?.slice(0, FILES.length), FILES)
  for (const [name, script] of Object.entries(SCRIPTS)) expect(`scripts.${name}`, manifest.scripts?.[name], script)
  expect('exports["./package.json"]', manifest.exports?.['./package.json'], './package.json')
  if (!manifest.exports?.['.']) expect('exports["."]', undefined, exportFor('./dist/index.js'))
  for (const [path, target] of Object.entries(manifest.exports ?? {})) {
    if (typeof target !== 'string') expect(`exports["${path}"]`, target, exportFor(target.default ?? './dist/index.js'))
  }
  if (!manifest.description?.endsWith('.')) expect('description', manifest.description, 'One sentence, with its full stop.')
  const kind = kindOf(folder)
  expect('ringfence.kind', manifest.ringfence?.kind, kind)
  if (kind) expect('peerDependencies', Object.keys(manifest.peerDependencies ?? {}), ['@ringfence/core'])
  if (kind) expect('internal dependencies', Object.keys(manifest.dependencies ?? {}).filter(isOurs), [])
  return findings
}

/** The name that the folder of a package gives it. */
function nameFor(folder: string): string {
  const [parent, name] = folder.split('/')
  if (folder === 'packages/cli') return 'ringfence'
  return `@ringfence/${parent === 'packages' ? '' : `${parent?.replace(/s$/, '')}-`}${name}`
}

/** The kind of plugin that a folder holds; `undefined` for the other packages. */
function kindOf(folder: string): string | undefined {
  return KINDS.exec(nameFor(folder).replace('@ringfence/', ''))?.[1]
}

function isOurs(name: string): boolean {
  return name === 'ringfence' || name.startsWith('@ringfence/')
}

function exportFor(output: string): Record<string, string> {
  const stem = output.replace(/^\.\/dist\//, '').replace(/\.js$/, '')
  return { '@ringfence/source': `./src/${stem}.ts`, types: `./dist/${stem}.d.ts`, default: output }
}

/** What is missing beside the package.json: sources, README with its sections, tests, and the one export of a plugin. */
export function filesOf(root: string, { folder, manifest }: Package): Finding[] {
  const findings: Finding[] = []
  for (const target of Object.values(manifest.exports ?? {})) {
    const source = typeof target === 'string' ? target : target['@ringfence/source']
    if (source && !existsSync(join(root, folder, source))) {
      findings.push({
        file: `${folder}/package.json`,
        rule: `it exports "${source}", which is not there`,
        fix: 'write the file, or remove the export',
      })
    }
  }
  for (const output of Object.values(manifest.bin ?? {})) {
    const source = output.replace(/^\.\/dist\//, 'src/').replace(/\.js$/, '.ts')
    if (!existsSync(join(root, folder, source))) {
      findings.push({
        file: `${folder}/package.json`,
        rule: `its bin is built from "${source}", which is not there`,
        fix: 'write the file, or remove the bin',
      })
    }
  }
  const readme = `${folder}/README.md`
  if (existsSync(join(root, readme))) findings.push(...sectionsOf(readme, readText(root, readme)))
  else findings.push({ file: readme, rule: 'it is missing', fix: `write it with the sections ${SECTIONS.join(', ')}` })
  if (filesBelow(root, [`${folder}/test`, `${folder}/src`], /\.test\.ts$/).length === 0) {
    findings.push({
      file: `${folder}/test`,
      rule: 'there is no test file',
      fix: 'add one; a plugin runs the conformance suite of its kind',
    })
  }
  const index = `${folder}/src/index.ts`
  if (manifest.ringfence && existsSync(join(root, index)))
    findings.push(...pluginExportsOf(index, readText(root, index), manifest.ringfence.export))
  return findings
}

/** Compares the headings of a README with the fixed ones: all are there, in order, and none is empty. */
export function sectionsOf(file: string, text: string): Finding[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/^#/gm, ' '))
  const parts = prose.split(/^## +/m).slice(1)
  const found = parts.map((part) => SECTIONS.find((section) => new RegExp(`^${section}\\b`, 'i').test(part)))
  const order = found.filter((section) => section !== undefined)
  const findings: Finding[] = []
  if (order.join() !== SECTIONS.join()) {
    findings.push({
      file,
      rule: `its sections are ${order.join(', ') || 'none'}`,
      fix: `have, as "## " headings in this order: ${SECTIONS.join(', ')}`,
    })
  }
  for (const [index, part] of parts.entries()) {
    const section = found[index]
    if (section && part.split('\n').slice(1).join('').trim() === '') {
      findings.push({ file, rule: `its section "${section}" is empty`, fix: 'say what there is, or that there is nothing' })
    }
  }
  return findings
}

/** A plugin exports its factory, types, and nothing else. */
export function pluginExportsOf(file: string, text: string, factory: string | undefined): Finding[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const values = source.statements.flatMap((statement): string[] => {
    if (ts.isExportDeclaration(statement)) {
      if (statement.isTypeOnly) return []
      if (!statement.exportClause || !ts.isNamedExports(statement.exportClause)) return ['*']
      return statement.exportClause.elements.filter((element) => !element.isTypeOnly).map((element) => element.name.text)
    }
    const isExported =
      ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    if (!isExported || ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) return []
    if (ts.isFunctionDeclaration(statement)) return [statement.name?.text ?? 'default']
    if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.getText(source))
    return ['default']
  })
  if (values.join() === factory) return []
  return [
    {
      file,
      rule: `it exports the values ${values.join(', ') || 'none'}`,
      fix: `export "${factory}", as "ringfence.export" says, and types alone`,
    },
  ]
}

/** An example is never published, and says what runs it. */
function exampleShapeOf({ folder, manifest }: Package): Finding[] {
  if (manifest.private && manifest.type === 'module') return []
  return [
    { file: `${folder}/package.json`, rule: 'an example is private and of type "module"', fix: 'set "private": true and "type": "module"' },
  ]
}
