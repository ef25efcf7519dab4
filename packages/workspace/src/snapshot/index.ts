export { memorySnapshots } from './memory-snapshots.ts'
export type { RestoreSnapshotOptions, TakeSnapshotOptions } from './snapshot-options.ts'
export { parseSnapshotRef, type SnapshotFormatName, type SnapshotRef } from './snapshot-ref.ts'
export { restoreSnapshot, takeSnapshot } from './snapshots.ts'
