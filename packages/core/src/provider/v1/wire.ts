/** What the channel between harness and sandbox is like, as data. The engine reads it; a provider never emulates. */
export interface Wire {
  /** `bytes`: both streams, byte-exact. `merged`: bytes, but stdout and stderr cannot be told apart. */
  readonly output: 'bytes' | 'merged'
  /** `live`: output arrives while the process runs. `at-exit`: all of it when it ends. */
  readonly delivery: 'live' | 'at-exit'
  /** `live`: a running process can be written to, and its stdin closed. */
  readonly stdin: 'none' | 'live'
  /** What `Process.kill` reaches. `none`: there is no such call. */
  readonly kill: 'none' | 'leader' | 'group'
  /** Whether `spawn` can start a process as another user. */
  readonly user: boolean
  /** `maybe-twice`: a lost answer may have started the process, and a retry starts another. */
  readonly start: 'once' | 'maybe-twice'
  /** Bytes that the arguments of one `spawn` may have together. */
  readonly maxArgvBytes: number
  /** Whether processes of different spawns see each other's process ids. */
  readonly pids: 'shared' | 'per-spawn'
  /** What an open stream costs: nothing, or a sandbox that cannot fall asleep. */
  readonly openChannel: 'free' | 'keeps-awake'
}
