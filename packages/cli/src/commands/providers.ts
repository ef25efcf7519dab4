import { isRingfenceError, type Provider } from '@ringfence/core'
import { EXIT_CODES } from '../exit-codes.ts'
import { type InstalledProvider, installedProviders } from '../plugins/find-provider.ts'
import { loadInstalled } from '../plugins/load-provider.ts'
import { table } from '../screen/table.ts'
import type { CommandContext } from './context.ts'
import { policiesOf } from './policies.ts'

/** A provider, or why it cannot be loaded: the others are looked at all the same. */
export async function tryLoad(installed: InstalledProvider): Promise<Provider | string> {
  try {
    return await loadInstalled(installed, undefined)
  } catch (error) {
    if (!isRingfenceError(error)) throw error
    return error.message
  }
}

/** Shows what providers there are, and what they declare. */
export async function providersCommand({ screen, cwd }: CommandContext): Promise<number> {
  const rows = [['provider', 'isolation', 'network', 'limits', 'facets', 'cold start']]
  const broken: string[] = []
  for (const installed of installedProviders(cwd)) {
    const { id } = installed
    const provider = await tryLoad(installed)
    if (typeof provider === 'string') {
      broken.push(provider)
      screen.event({ type: 'provider', id, error: provider })
      continue
    }
    const declared = provider.resolve()
    const { isolation, egress, limits, facets, coldStart } = declared
    const has = Object.entries(facets).flatMap(([name, level]) => (level === 'never' ? [] : [name]))
    const network = [...(egress.tier === 'none' ? [] : ['closed']), ...(egress.open === false ? [] : ['open'])].join(' or ')
    rows.push([id, isolation, network, limits.join(' ') || '-', has.join(' ') || '-', `${coldStart.ms} ms`])
    screen.event({
      type: 'provider',
      id,
      isolation,
      egress: egress.tier,
      limits,
      facets: { ...facets },
      ...policiesOf(declared, isolation),
    })
  }
  if (rows.length > 1) screen.block(table(rows))
  for (const reason of broken) screen.result(false, reason)
  if (rows.length === 1 && broken.length === 0) screen.note('There is none. Install one: npm i @ringfence/provider-local')
  return EXIT_CODES.done
}
