export type { JournalLease, JournalStore, OpenJournal, OpenRequest, RunInfo } from './journal-store.ts'
export { FIRST_HASH, type JournalRecord, RECORD_TYPES, RECORD_VERSION, type RecordType, recordHash } from './record.ts'
