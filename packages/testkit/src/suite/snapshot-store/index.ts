export { snapshotStoreMutants } from './mutants.ts'
export type { SnapshotStorePlace, SnapshotStoreSubject } from './subject.ts'
export { snapshotStoreSuite } from './suite.ts'
