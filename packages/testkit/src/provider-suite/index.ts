import type { Suite } from '../suite/requirement.ts'
import { contentRequirements } from './content.ts'
import { contractRequirements } from './contract.ts'
import { facetRequirements } from './contract-facets.ts'
import { snapshotRequirements } from './contract-snapshot.ts'
import { spawnRequirements } from './contract-spawn.ts'
import { suspendRequirements } from './contract-suspend.ts'
import { errorsRequirements } from './errors.ts'
import { execRequirements } from './exec.ts'
import { operationRequirements } from './exec-operations.ts'
import { filesRequirements } from './files.ts'
import { forkRequirements } from './fork.ts'
import { lifecycleRequirements } from './lifecycle.ts'
import { pathsRequirements } from './paths.ts'
import { pauseRequirements } from './pause.ts'
import { policyRequirements } from './policy.ts'
import { limitRequirements } from './policy-limits.ts'
import { poolRequirements } from './pool.ts'
import { portRequirements } from './ports.ts'
import type { ProviderSubject } from './subject.ts'

export type { ProviderSubject } from './subject.ts'

/** What every provider must do: by itself, and under the engine. */
export const providerSuite: Suite<ProviderSubject> = {
  name: 'provider',
  requirements: [
    ...contractRequirements,
    ...spawnRequirements,
    ...facetRequirements,
    ...snapshotRequirements,
    ...suspendRequirements,
    ...execRequirements,
    ...operationRequirements,
    ...filesRequirements,
    ...pathsRequirements,
    ...lifecycleRequirements,
    ...pauseRequirements,
    ...poolRequirements,
    ...portRequirements,
    ...policyRequirements,
    ...limitRequirements,
    ...contentRequirements,
    ...forkRequirements,
    ...errorsRequirements,
  ],
}
