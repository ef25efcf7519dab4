import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Provider } from '@ringfence/core'
import { EXIT_CODES } from '../exit-codes.ts'
import { loadProvider } from '../plugins/load-plugin.ts'
import { table } from '../screen/table.ts'
import type { CommandContext } from './context.ts'

const PREFIX = 'provider-'

/** The ids of all providers that can be found from the caller's project and from this program. */
export function installedProviders(cwd: string): readonly string[] {
  const roots = [join(cwd, 'package.json'), fileURLToPath(import.meta.url)].flatMap((from) => createRequire(from).resolve.paths('x') ?? [])
  const ids = roots.flatMap((root) => {
    const scope = join(root, '@ringfence')
    return existsSync(scope)
      ? readdirSync(scope)
          .filter((name) => name.startsWith(PREFIX))
          .map((name) => name.slice(PREFIX.length))
      : []
  })
  return [...new Set(ids)].sort()
}

/** A provider, or why it cannot be loaded. */
export async function tryLoad(id: string, cwd: string): Promise<Provider | string> {
  try {
    return await loadProvider(id, undefined, cwd)
  } catch (error) {
    // Also one that is installed and broken is told of, and the others are looked at.
    return error instanceof Error ? error.message : String(error)
  }
}

/** Shows what providers there are, and what they declare. */
export async function providersCommand({ screen, cwd }: CommandContext): Promise<number> {
  const rows = [['provider', 'isolation', 'network', 'limits', 'facets', 'cold start']]
  for (const id of installedProviders(cwd)) {
    const provider = await tryLoad(id, cwd)
    if (typeof provider === 'string') {
      rows.push([id, provider])
      continue
    }
    const { isolation, egress, limits, facets, coldStart } = provider.resolve()
    const has = Object.entries(facets).filter(([, level]) => level !== 'never')
    rows.push([id, isolation, egress.tier, limits.join(' ') || '-', has.map(([name]) => name).join(' ') || '-', `${coldStart.ms} ms`])
    screen.event({ type: 'provider', id, isolation, egress: egress.tier, limits, facets: { ...facets } })
  }
  if (rows.length === 1) screen.note('There is none. Install one: npm i @ringfence/provider-local')
  else screen.block(table(rows))
  return EXIT_CODES.done
}
