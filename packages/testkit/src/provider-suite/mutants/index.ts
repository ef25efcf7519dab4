import { contentMutants } from './content-mutants.ts'
import { contractMutants } from './contract-mutants.ts'
import { execMutants } from './exec-mutants.ts'
import { filesMutants } from './files-mutants.ts'
import { forkMutants } from './fork-mutants.ts'
import { lifecycleMutants, policyMutants } from './lifecycle-mutants.ts'
import type { ProviderMutant } from './mutate.ts'
import { portMutants } from './port-mutants.ts'
import { snapshotMutants } from './snapshot-mutants.ts'
import { suspendMutants } from './suspend-mutants.ts'

export type { ProviderMutant } from './mutate.ts'

/** Faults of a provider and of the engine over it: each requirement of the suite fails for one at least. */
export const providerMutants: readonly ProviderMutant[] = [
  ...contractMutants,
  ...snapshotMutants,
  ...suspendMutants,
  ...execMutants,
  ...filesMutants,
  ...lifecycleMutants,
  ...portMutants,
  ...policyMutants,
  ...contentMutants,
  ...forkMutants,
]
