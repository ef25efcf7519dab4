export { checkSources } from './check-sources.ts'
export type { LeftOut, LeftOutReason } from './left-out.ts'
export { type Materialised, type MaterialiseOptions, type MaterialiseProgress, materialise } from './materialise.ts'
