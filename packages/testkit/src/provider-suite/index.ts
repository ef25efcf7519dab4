import type { Suite } from '../suite/requirement.ts'
import { contentRequirements } from './content.ts'
import { contractRequirements } from './contract.ts'
import { facetRequirements } from './contract-facets.ts'
import { spawnRequirements } from './contract-spawn.ts'
import { errorsRequirements } from './errors.ts'
import { execRequirements } from './exec.ts'
import { filesRequirements } from './files.ts'
import { lifecycleRequirements } from './lifecycle.ts'
import { pathsRequirements } from './paths.ts'
import { policyRequirements } from './policy.ts'
import type { ProviderSubject } from './subject.ts'

export type { ProviderSubject } from './subject.ts'

/** What every provider must do: by itself, and under the engine. */
export const providerSuite: Suite<ProviderSubject> = {
  name: 'provider',
  requirements: [
    ...contractRequirements,
    ...spawnRequirements,
    ...facetRequirements,
    ...execRequirements,
    ...filesRequirements,
    ...pathsRequirements,
    ...lifecycleRequirements,
    ...policyRequirements,
    ...contentRequirements,
    ...errorsRequirements,
  ],
}
