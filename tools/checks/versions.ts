import type { Check } from './lib/check.ts'
import { packagesIn } from './lib/repository.ts'
import { runBin, tail } from './lib/tool.ts'

/** One version of each dependency over all workspaces, and tidy package.json files. */
export const versionsCheck: Check = {
  name: 'versions',
  async run(root) {
    const result = await runBin(root, 'sherif', ['--no-install', '--fail-on-warnings'])
    const findings =
      result.code === 0
        ? []
        : [{ file: 'package.json', rule: `sherif found\n    ${tail(result, 60)}`, fix: 'npx sherif --fix, or as it says' }]
    return { checked: packagesIn(root).length, findings }
  },
}
