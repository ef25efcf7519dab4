import type { ErrorCode } from '@ringfence/core'

/** How a script of this folder ends when it refuses. Other codes come from the programs that it runs. */
export const CODE = {
  notFound: 70,
  escapes: 71,
  exists: 72,
  denied: 73,
  isDirectory: 74,
  notDirectory: 75,
  notEmpty: 76,
  cycle: 77,
  noProgram: 78,
  fenced: 79,
  special: 80,
  noRoot: 81,
  cut: 82,
  /** Read, and `dd` does not know `nofollow`: the next read takes the other way at once. */
  readPlainly: 90,
  /** Written, and `chmod` does not know `--reference`: the next write takes the other way at once. */
  modeByStat: 91,
} as const

export interface CodeMeaning {
  readonly code: ErrorCode
  /** Follows the quoted path. */
  readonly text: string
  readonly hint: string
}

/** What the codes mean to a caller. */
export const MEANINGS: Readonly<Record<number, CodeMeaning>> = {
  [CODE.notFound]: { code: 'fs.not-found', text: 'is not there', hint: 'Check the path; relative ones start at the workspace.' },
  [CODE.escapes]: {
    code: 'path.escapes-workspace',
    text: 'leads out of the workspace through a link',
    hint: 'Use a path whose links stay within the workspace.',
  },
  [CODE.exists]: { code: 'fs.exists', text: 'is there already, and is no directory', hint: 'Remove it first.' },
  [CODE.denied]: { code: 'fs.denied', text: 'may not be accessed by the user inside', hint: 'Check owner and mode inside of the sandbox.' },
  [CODE.isDirectory]: { code: 'fs.is-directory', text: 'is a directory', hint: 'Name a file.' },
  [CODE.notDirectory]: {
    code: 'fs.not-directory',
    text: 'is no directory, or lies below something that is none',
    hint: 'Check each part of the path.',
  },
  [CODE.notEmpty]: { code: 'fs.not-empty', text: 'is a directory that is not empty', hint: 'Pass `recursive: true`.' },
  [CODE.cycle]: { code: 'fs.failed', text: 'leads in a circle of links', hint: 'Mend the links.' },
  [CODE.fenced]: {
    code: 'run.fenced',
    text: 'was not changed: another process took this run over',
    hint: 'Stop here; the other process goes on.',
  },
  [CODE.special]: { code: 'fs.failed', text: 'is no regular file', hint: 'Devices, FIFOs and sockets are neither read nor replaced.' },
  [CODE.noRoot]: {
    code: 'fs.not-found',
    text: 'cannot be reached: the workspace itself is not there',
    hint: 'Something removed it inside of the sandbox.',
  },
  [CODE.cut]: {
    code: 'fs.failed',
    text: 'was not written: its content arrived cut',
    hint: 'Write it again; the old content is untouched.',
  },
}
