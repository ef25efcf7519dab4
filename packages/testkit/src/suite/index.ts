export {
  type Conformance,
  type ConformanceContext,
  type ConformanceFile,
  type ConformanceSubject,
  defineConformance,
} from './conformance.ts'
export { formatMutants } from './format-mutants.ts'
export type { Feature, Mutant, Outcome, Requirement, RequirementContext, RequirementResult, Suite } from './requirement.ts'
export { type MutantOptions, type MutantOutcome, type MutantReport, type MutantRow, runMutants } from './run-mutants.ts'
export { DEFAULT_TIMEOUT_MS, type RequirementOptions, runRequirement } from './run-requirement.ts'
export { checkKnownFailures, type KnownFailures, runSuite, type SuiteOptions, type SuiteReport, selectRequirements } from './run-suite.ts'
export * from './snapshot-store/index.ts'
export * from './tracer/index.ts'
