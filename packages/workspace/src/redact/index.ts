export { type NamedSecret, type Redactor, redactor } from './redactor.ts'
export type { StreamRedactor } from './stream-redactor.ts'
