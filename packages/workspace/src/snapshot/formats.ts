import type { SnapshotFormat } from './snapshot-options.ts'
import type { SnapshotFormatName } from './snapshot-ref.ts'
import { tarFormat } from './tar-format.ts'

/** Every format that this release writes or reads, by the name that references carry. */
export const FORMATS: Readonly<Record<SnapshotFormatName, SnapshotFormat>> = { 'tar-1': tarFormat }

/** What new snapshots are made in. */
export const CURRENT_FORMAT: SnapshotFormatName = 'tar-1'
