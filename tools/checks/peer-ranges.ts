import { join } from 'node:path'
import type { Check, Finding } from './lib/check.ts'
import { type Package, plugins, readManifest } from './lib/repository.ts'

/** The range of core that every plugin asks for, until core is 1.0. */
const PEER_RANGE = '>=0.1.0 <1.0.0'

/** Every plugin works with the core of the tree, and with each that is to come before 1.0. */
export const peerRangesCheck: Check = {
  name: 'peer-ranges',
  run(root) {
    const { version = '' } = readManifest(join(root, 'packages/core/package.json'))
    const all = plugins(root)
    return { checked: all.length, findings: all.flatMap((plugin) => peerFindings(plugin, version)) }
  },
}

/** @param version of core in the tree. */
export function peerFindings({ folder, manifest }: Package, version: string): Finding[] {
  const file = `${folder}/package.json`
  const range = manifest.peerDependencies?.['@ringfence/core']
  if (range !== PEER_RANGE) {
    return [{ file, rule: `its peer range of @ringfence/core is ${JSON.stringify(range)}`, fix: `make it "${PEER_RANGE}"` }]
  }
  const [major = Number.NaN, minor = 0] = version.split('.').map(Number)
  if (major === 0 && minor >= 1) return []
  return [
    {
      file,
      rule: `"${PEER_RANGE}" leaves out core ${version}`,
      fix: 'widen the range of all plugins, and PEER_RANGE in tools/checks/peer-ranges.ts',
    },
  ]
}
