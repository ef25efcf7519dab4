/** What the exit code of `ringfence` means. `exec` and `shell` pass on that of the command instead. */
export const EXIT_CODES = {
  done: 0,
  /** The run ended, and what it was to do is not done. */
  failed: 1,
  /** An argument, a manifest or a policy is wrong. Nothing was done. */
  usage: 2,
  /** Something is missing on this machine: `ringfence doctor` tells what. */
  unavailable: 3,
  /** The run waits for `ringfence approve`. */
  paused: 4,
  interrupted: 130,
} as const
