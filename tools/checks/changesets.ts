import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Check, Finding } from './lib/check.ts'
import { type Package, packagesIn, plugins, publishedPackages, readManifest, readText } from './lib/repository.ts'
import { runTool, tail } from './lib/tool.ts'

const CONFIG = '.changeset/config.json'

/** Changesets name published packages, cover what changed, and a minor of core makes no plugin a major. */
export const changesetsCheck: Check = {
  name: 'changesets',
  async run(root) {
    const files = readdirSync(join(root, '.changeset')).filter((name) => name.endsWith('.md') && name !== 'README.md')
    const published = new Map(publishedPackages(root).map(({ manifest }) => [manifest.name, manifest.version ?? '']))
    const findings = files.flatMap((name) => judgeChangeset(`.changeset/${name}`, readText(root, `.changeset/${name}`), published))
    const covered = new Set(files.flatMap((name) => bumpsOf(readText(root, `.changeset/${name}`)).map(({ name }) => name)))
    const coverage = await coverageOf(root, covered)
    const proof = await proveMinor(root)
    return { checked: plugins(root).length, findings: [...findings, ...coverage.findings, ...proof], notes: coverage.notes }
  },
}

const FRONT_MATTER = /^---\n([\s\S]*?)---\n([\s\S]*)$/

/** The packages that a changeset names, each with its bump. */
function bumpsOf(text: string): { name: string; bump: string }[] {
  const [, head = ''] = FRONT_MATTER.exec(text) ?? []
  return [...head.matchAll(/^['"]?([^'":]+)['"]?: *(major|minor|patch)$/gm)].map(([, name = '', bump = '']) => ({ name, bump }))
}

/** @param published versions of the published packages, by name. */
export function judgeChangeset(file: string, text: string, published: ReadonlyMap<string, string>): Finding[] {
  const bumps = bumpsOf(text)
  const [, , body = ''] = FRONT_MATTER.exec(text) ?? []
  const findings: Finding[] = []
  if (bumps.length === 0) findings.push({ file, rule: 'it names no package', fix: 'make it with `npm run changeset`' })
  if (body.trim() === '') findings.push({ file, rule: 'it says nothing', fix: 'say for users what changes, and what they do about it' })
  for (const { name, bump } of bumps) {
    const version = published.get(name)
    if (version === undefined) findings.push({ file, rule: `"${name}" is not a published package`, fix: 'remove the line' })
    else if (bump === 'major' && version.startsWith('0.'))
      findings.push({ file, rule: `"${name}" is at ${version} and would become 1.0`, fix: 'use "minor"' })
  }
  return findings
}

/** The published packages whose sources differ from the base branch, untracked files too, each need a changeset. */
async function coverageOf(root: string, covered: ReadonlySet<string>): Promise<{ findings: Finding[]; notes: string[] }> {
  const { baseBranch } = JSON.parse(readText(root, CONFIG)) as { baseBranch: string }
  const bases = await Promise.all(
    [`origin/${baseBranch}`, baseBranch].map((ref) => runTool('git', ['merge-base', 'HEAD', ref], { cwd: root })),
  )
  const base = bases.find(({ code }) => code === 0)?.stdout.trim()
  if (!base) return { findings: [], notes: [`there is no branch "${baseBranch}" to compare with: coverage is not checked`] }
  const lists = [
    ['diff', '--name-only', base],
    ['ls-files', '--others', '--exclude-standard'],
  ]
  const changed = (await Promise.all(lists.map((args) => runTool('git', args, { cwd: root })))).flatMap(({ stdout }) => stdout.split('\n'))
  return { findings: uncovered(publishedPackages(root), changed, covered), notes: [] }
}

/**
 * @param changed paths of files, below the root.
 * @param covered names of packages that a changeset names.
 */
export function uncovered(packages: readonly Package[], changed: readonly string[], covered: ReadonlySet<string>): Finding[] {
  const touched = packages.filter(({ folder }) =>
    changed.some((file) => file.startsWith(`${folder}/src/`) || file === `${folder}/package.json`),
  )
  return touched
    .filter(({ manifest }) => !covered.has(manifest.name))
    .map(({ folder, manifest }) => ({
      file: folder,
      rule: `"${manifest.name}" changed, and no changeset names it`,
      fix: 'npm run changeset',
    }))
}

/** Releases a minor of core on a copy. The same without the setting must make majors, else the proof proves nothing. */
async function proveMinor(root: string): Promise<Finding[]> {
  const { majors, core } = await releaseCoreMinor(root, true)
  const control = await releaseCoreMinor(root, false)
  if (control.majors.length === 0)
    throw new Error('without `onlyUpdatePeerDependentsWhenOutOfRange` no plugin became a major: the proof sees nothing')
  const findings = majors.map((name) => ({
    file: CONFIG,
    rule: `a minor of core makes "${name}" a major`,
    fix: 'keep `onlyUpdatePeerDependentsWhenOutOfRange: true` and the peer range',
  }))
  const before = readManifest(join(root, 'packages/core/package.json')).version ?? ''
  if (minorOf(core) !== minorOf(before) + 1)
    findings.push({ file: CONFIG, rule: `a minor of core made ${before} into ${core}`, fix: 'read the configuration of changesets' })
  return findings
}

async function releaseCoreMinor(root: string, onlyWhenOutOfRange: boolean): Promise<{ majors: string[]; core: string }> {
  const copy = mkdtempSync(join(tmpdir(), 'ringfence-changesets-'))
  try {
    const folders = ['', ...packagesIn(root, ['packages', 'providers', 'mounts', 'examples']).map(({ folder }) => folder), 'bench', 'tools']
    for (const folder of folders) {
      mkdirSync(join(copy, folder), { recursive: true })
      cpSync(join(root, folder, 'package.json'), join(copy, folder, 'package.json'))
    }
    cpSync(join(root, 'package-lock.json'), join(copy, 'package-lock.json'))
    writeConfig(root, copy, onlyWhenOutOfRange)
    writeFileSync(join(copy, '.changeset/minor.md'), "---\n'@ringfence/core': minor\n---\n\nA minor.\n")
    const result = await runTool(join(root, 'node_modules/.bin/changeset'), ['version'], { cwd: copy })
    if (result.code !== 0) throw new Error(`changeset version failed on a copy:\n    ${tail(result)}`)
    const majors = plugins(root).filter(
      ({ folder, manifest }) => majorOf(readManifest(join(copy, folder, 'package.json')).version) > majorOf(manifest.version),
    )
    return {
      majors: majors.map(({ manifest }) => manifest.name),
      core: readManifest(join(copy, 'packages/core/package.json')).version ?? '',
    }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function writeConfig(root: string, copy: string, onlyWhenOutOfRange: boolean): void {
  const config = JSON.parse(readFileSync(join(root, CONFIG), 'utf8'))
  // The default changelog asks git for commits, and a copy has none.
  config.changelog = false
  const options = '___experimentalUnsafeOptions_WILL_CHANGE_IN_PATCH'
  if (!onlyWhenOutOfRange) config[options] = { ...config[options], onlyUpdatePeerDependentsWhenOutOfRange: false }
  mkdirSync(dirname(join(copy, CONFIG)), { recursive: true })
  writeFileSync(join(copy, CONFIG), JSON.stringify(config))
}

function majorOf(version = ''): number {
  return Number(version.split('.')[0])
}

function minorOf(version: string): number {
  return Number(version.split('.')[1])
}
