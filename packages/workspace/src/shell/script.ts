/**
 * A script as a function of a library. A shell that stays reads it once and calls it without a fork of its own, which is why it
 * never `exec`s, does not trap its end, and leaves no descriptor open but 8 and 9. It may `exit`, unless it is quick.
 */
export interface Routine {
  readonly name: string
  /** Defines it, and what it calls. */
  readonly library: string
}

/** A short POSIX sh text, or a routine, with arguments in `$1`, `$2`, ... */
export type Script = string | Routine

export function routine(name: string, body: string, library = ''): Routine {
  return { name, library: `${library}\n${name}() {\n${body}\n}` }
}

/** A script for a process of its own. */
export function standalone(script: Script): string {
  return typeof script === 'string' ? script : `${script.library}\n${script.name} "$@"`
}
