/** Sandboxes of E2B. */
export { e2b } from './e2b.ts'
export type { E2bOptions, E2bSdkOptions } from './options.ts'
