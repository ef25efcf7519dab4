import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What a package is built from and to, read from its package.json, so that the two cannot differ: each export with a
 * source condition, and each bin.
 *
 * @param {string} folder the folder of the package.
 * @returns {{ modules: Record<string, string>, bins: Record<string, string> }} output name without ending -> source file.
 */
export function entriesOf(folder) {
  const { exports = {}, bin = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  /** @type {Record<string, string>} */
  const modules = {}
  for (const target of Object.values(exports)) {
    const source = target['@ringfence/source']
    if (source) modules[outputName(target.default)] = source.replace(/^\.\//, '')
  }
  /** @type {Record<string, string>} */
  const bins = {}
  for (const output of Object.values(bin)) bins[outputName(output)] = `src/${outputName(output)}.ts`
  return { modules, bins }
}

/** @param {string} output such as `./dist/plugin/index.js`. */
function outputName(output) {
  return output.replace(/^\.\/dist\//, '').replace(/\.js$/, '')
}

/** How both builders, tsup for all and esbuild for `npm start`, compile. */
export const COMPILE = /** @type {const} */ ({ format: 'esm', target: 'node20', platform: 'node', splitting: true, sourcemap: false })
