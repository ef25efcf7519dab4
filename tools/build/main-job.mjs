// The build of `npm start`: JavaScript alone, in one process, with what a first install brings. `npm run build` makes types too.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { closureOf, ROOT, readLock } from '../setup.mjs'
import { COMPILE, entriesOf } from './entries.mjs'

/**
 * Compiles those packages behind some workspaces whose sources are newer than what was made of them.
 *
 * @param {readonly string[]} workspaces
 */
export async function buildForMainJob(workspaces) {
  const links = Object.values(closureOf(readLock(ROOT), workspaces)).flatMap(({ link, resolved }) => (link && resolved ? [resolved] : []))
  await Promise.all(links.map((folder) => buildPackage(join(ROOT, folder))))
}

/** @param {string} folder */
async function buildPackage(folder) {
  const { modules, bins } = entriesOf(folder)
  const entries = Object.entries({ ...modules, ...bins })
  if (entries.length === 0 || !isStale(folder, Object.keys({ ...modules, ...bins }))) return
  const entryPoints = entries.map(([out, source]) => ({ in: join(folder, source), out }))
  await build({
    ...COMPILE,
    bundle: true,
    packages: 'external',
    entryPoints,
    outdir: join(folder, 'dist'),
    absWorkingDir: folder,
    logLevel: 'error',
  })
}

/**
 * @param {string} folder
 * @param {readonly string[]} outputs
 */
function isStale(folder, outputs) {
  const sources = readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })
  const newest = Math.max(...sources.map((path) => timeOf(join(folder, 'src', path))), timeOf(join(folder, 'package.json')))
  return outputs.some((output) => !(timeOf(join(folder, 'dist', `${output}.js`)) >= newest))
}

/** @param {string} path @returns {number} when it was written last, in milliseconds; not a number where nothing is. */
function timeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NaN
}
