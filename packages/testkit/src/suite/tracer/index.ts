export { tracerMutants } from './mutants.ts'
export type { TracerPlace, TracerSubject, WrittenSpan } from './subject.ts'
export { tracerSuite } from './suite.ts'
