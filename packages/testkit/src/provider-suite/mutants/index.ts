import { contractMutants } from './contract-mutants.ts'
import { engineMutants } from './engine-mutants.ts'
import type { ProviderMutant } from './mutate.ts'

export type { ProviderMutant } from './mutate.ts'

/** Faults of a provider and of the engine over it: each requirement of the suite fails for one at least. */
export const providerMutants: readonly ProviderMutant[] = [...contractMutants, ...engineMutants]
