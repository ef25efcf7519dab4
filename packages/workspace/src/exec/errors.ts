import { RingfenceError } from '@ringfence/core'
import type { Answer } from './channel/channel.ts'

const operation = 'exec'

const said = (answer: Answer): { message: string; cause?: unknown } =>
  answer.kind === 'lost'
    ? { message: 'the connection to it broke', cause: answer.cause }
    : { message: `it said "${answer.words.join(' ').slice(0, 200)}"` }

/** The errors of the exec engine. */
export const execErrors = {
  gone: (path: string): RingfenceError =>
    new RingfenceError('sandbox.gone', `The control directory "${path}" is missing, or belongs to another sandbox`, {
      operation,
      hint: 'The sandbox was replaced or rebuilt. Restore from the last snapshot; nothing is replayed.',
      effect: 'none',
    }),
  fenced: (epoch: number | undefined, newer: string | undefined): RingfenceError =>
    new RingfenceError(
      'run.fenced',
      `Epoch "${newer ?? ''}" took this sandbox over${epoch === undefined ? '' : ` from epoch "${epoch}"`}`,
      {
        operation,
        hint: 'Another process drives the run now. Stop here.',
        effect: 'none',
      },
    ),
  noSharedPids: (): RingfenceError =>
    new RingfenceError('feature.unsupported', 'Commands need stdin of the wire, or processes that see each other', {
      operation,
      hint: 'This wire has neither, so that a command could not be killed. Use another provider.',
      effect: 'none',
    }),
  noProgram: (program: string, cause?: unknown): RingfenceError =>
    new RingfenceError('feature.unsupported', `The sandbox has no "${program}"`, {
      operation,
      hint: `Commands run under a receipt, which needs a POSIX "sh", "setsid" and "dd". Install util-linux or busybox in the image.`,
      details: { program },
      effect: 'none',
      cause,
    }),
  notOpened(answer: Answer): RingfenceError {
    const { message, cause } = said(answer)
    return new RingfenceError('sandbox.start-failed', `The shell of the sandbox could not be set up: ${message}`, {
      operation,
      hint: 'It needs a POSIX sh, and one of /var/tmp, /tmp, the home or the workspace writable.',
      effect: 'none',
      cause,
    })
  },
  notStaged(answer: Answer): RingfenceError {
    const { message, cause } = said(answer)
    return new RingfenceError('provider.failed', `A file of the engine could not be written in the sandbox: ${message}`, {
      operation,
      hint: 'Check that its disk is not full.',
      effect: 'none',
      cause,
    })
  },
  channel(answer: Answer): RingfenceError {
    const { message, cause } = said(answer)
    return new RingfenceError('provider.failed', `The sandbox did not do what was asked: ${message}`, { operation, cause })
  },
  lost: (opId: string, why: string, options: { effect?: 'none' | 'unknown'; receipt?: 'missing'; cause?: unknown } = {}): RingfenceError =>
    new RingfenceError('exec.lost', `What became of the command "${opId}" cannot be known: ${why}`, {
      operation,
      hint: 'Look at what it should have done before you run it again.',
      details: { opId, ...(options.receipt ? { receipt: options.receipt } : {}) },
      effect: options.effect ?? 'unknown',
      cause: options.cause,
    }),
  noCwd: (cwd: string): RingfenceError =>
    new RingfenceError('exec.spawn-failed', `The working directory "${cwd}" is not there, or may not be entered`, {
      operation,
      hint: 'Check the `cwd`; it is relative to the workspace.',
      details: { cwd },
      effect: 'none',
    }),
  noCommand: (program: string): RingfenceError =>
    new RingfenceError('exec.spawn-failed', `There is no program "${program}"`, {
      operation,
      hint: 'Check the name and the PATH inside, or install it. What the shell interprets is passed as a string.',
      details: { program },
      effect: 'none',
    }),
  noReceipt: (opId: string): RingfenceError =>
    new RingfenceError('provider.failed', `The receipt of "${opId}" could not be written, so that the command was not started`, {
      operation,
      hint: 'Check that the disk of the sandbox is not full.',
      effect: 'none',
    }),
  outputLimit: (opId: string, bytes: number, stream: 'stdout' | 'stderr', path: string): RingfenceError =>
    new RingfenceError('exec.output-limit', `The command "${opId}" printed more than "${bytes}" bytes on ${stream}; the rest was cut`, {
      operation,
      hint: 'Redirect the output into a file, or raise `maxSpoolBytes`. What was kept is in the file of the details.',
      details: { opId, bytes, stream, path },
      effect: 'done',
    }),
  noStdin: (why: string, cause?: unknown): RingfenceError =>
    new RingfenceError('exec.invalid-stdin', `The command does not read its standard input: ${why}`, {
      operation,
      hint: 'Write before it ends, and start it with `stdin: "open"`.',
      cause,
    }),
  unsupported: (feature: string, hint: string): RingfenceError =>
    new RingfenceError('feature.unsupported', `"${feature}" is not possible on this wire`, {
      operation,
      hint,
      details: { feature },
      effect: 'none',
    }),
} as const
