/** Snapshots in a folder of this machine. */
export { type FsSnapshotsOptions, fsSnapshots } from './fs-snapshots.ts'
