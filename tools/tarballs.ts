// `npm run tarballs`: packs every published package and tries it as its users do, on each Node that it has to run on.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Package, publishedPackages } from './checks/lib/repository.ts'
import { fail, ROOT, turbo } from './setup.mjs'
import { findNodes, type NodeBinary } from './tarballs/nodes.ts'
import { checkTypes, importAll, installScratch, packAll, runBins, type Tarballs } from './tarballs/scratch.ts'

/** How many packages are tried at the same time. */
const PARALLEL = 2

const started = performance.now()
const count = { pass: 0, fail: 0, skip: 0 }

function tell(result: keyof typeof count, what: string, reason?: string): void {
  count[result]++
  console.log(`${result} ${what}${reason ? `: ${reason.replaceAll('\n', '\n    ')}` : ''}`)
}

/** Without its optional peers a package still has its main export; with them, all. */
async function tryPackage(
  { folder: path, manifest }: Package,
  scratch: string,
  tarballs: Tarballs,
  nodes: readonly NodeBinary[],
): Promise<void> {
  const { name, exports = {}, bin = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest
  const specifiers = Object.entries(exports).flatMap(([subpath, target]) => (typeof target === 'string' ? [] : [name + subpath.slice(1)]))
  const optional = Object.fromEntries(Object.entries(peerDependencies).filter(([peer]) => peerDependenciesMeta[peer]?.optional))
  const folder = join(scratch, path.replace('/', '-'))
  try {
    await installScratch(folder, name, tarballs)
    if (Object.keys(optional).length > 0) {
      const error = await importAll(process.execPath, folder, [name])
      tell(error ? 'fail' : 'pass', `${name} without its optional peers`, error)
      await installScratch(folder, name, tarballs, optional)
    }
    for (const node of nodes) {
      if (!node.path) tell('skip', `${name} on ${node.label}`, node.reason)
      else {
        const error = (await importAll(node.path, folder, specifiers)) ?? (await runBins(node.path, folder, Object.keys(bin)))
        tell(error ? 'fail' : 'pass', `${name} on ${node.label}`, error)
      }
    }
    const error = await checkTypes(folder, specifiers)
    tell(error ? 'fail' : 'pass', `${name} types`, error)
  } catch (error) {
    tell('fail', name, error instanceof Error ? error.message : String(error))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const names = process.argv.slice(2)
const all = publishedPackages(ROOT)
const chosen = all.filter(({ manifest }) => names.length === 0 || names.includes(manifest.name))
if (chosen.length === 0)
  fail(`tarballs: there is no package "${names.join('", "')}". There are: ${all.map(({ manifest }) => manifest.name).join(', ')}`)
if ((await turbo(['build'])) !== 0) fail('tarballs: 0 passed, 1 failed, 0 skipped (the build failed)')

// Outside of the repository: below it, Node would find what a package does not declare.
const scratch = mkdtempSync(join(tmpdir(), 'ringfence-tarballs-'))
try {
  const packed = join(scratch, 'packed')
  mkdirSync(packed)
  const [tarballs, nodes] = await Promise.all([packAll(all, packed), findNodes()])
  const queue = [...chosen]
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) await tryPackage(next, scratch, tarballs, nodes)
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
console.log(
  `tarballs: ${count.pass} passed, ${count.fail} failed, ${count.skip} skipped in ${Math.round((performance.now() - started) / 1000)} s`,
)
process.exitCode = count.fail > 0 ? 1 : 0
