/** What scripts around the command line need: the meaning of its exit codes. */
export { EXIT_CODES } from './exit-codes.ts'
