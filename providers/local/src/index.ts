/** Sandboxes on this machine: bubblewrap on Linux. */
export { local } from './local.ts'
export type { LocalOptions } from './options.ts'
