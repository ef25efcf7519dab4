export { abortable, throwIfAborted } from './abort.ts'
export { ERROR_CODES, type ErrorCode, type ErrorCodeEntry } from './codes.ts'
export { parseWith } from './invalid.ts'
export {
  type Effect,
  type ErrorDetails,
  isRingfenceError,
  type Retry,
  RingfenceError,
  type RingfenceErrorOptions,
} from './ringfence-error.ts'
