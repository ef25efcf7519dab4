export type { HostRow } from './host-row.ts'
export { HOST_TABLE } from './host-table.ts'
