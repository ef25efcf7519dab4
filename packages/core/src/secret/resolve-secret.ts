import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { RingfenceError } from '../errors/ringfence-error.ts'
import type { Secret } from './secret.ts'

/** Shorter values would be found in innocent text. */
export const MINIMUM_SECRET_BYTES = 8

const run = promisify(execFile)

async function read(secret: Secret): Promise<unknown> {
  const { source } = secret
  switch (source.kind) {
    case 'env':
      return process.env[source.variable]
    case 'file':
      return (await readFile(source.path, 'utf8')).replace(/\n$/, '')
    case 'command': {
      const [program = '', ...args] = source.argv
      const running = run(program, args, { encoding: 'utf8' })
      // A command that asks for something reads the end of its input instead of waiting forever.
      running.child.stdin?.end()
      return (await running).stdout.replace(/\n$/, '')
    }
    case 'from':
      return source.resolve()
  }
}

/**
 * Reads the value of a secret.
 *
 * @throws `secret.failed` when it cannot be read, `config.invalid` when it is shorter than 8 bytes.
 */
export async function resolveSecret(secret: Secret): Promise<string> {
  let value: unknown
  try {
    value = await read(secret)
  } catch (cause) {
    throw new RingfenceError('secret.failed', `The secret "${secret.name}" could not be read from its ${secret.source.kind}`, {
      hint: 'Check the source of the secret on the machine of the harness.',
      effect: 'none',
      // The cause of a command may quote what it printed, so that only its code is kept.
      details: { reason: (cause as { code?: unknown }).code ?? 'failed' },
    })
  }
  if (typeof value !== 'string')
    throw new RingfenceError('secret.failed', `The secret "${secret.name}" has no value: its ${secret.source.kind} gives no text`, {
      hint: secret.source.kind === 'env' ? `Set the variable ${secret.source.variable}.` : 'Check the source of the secret.',
      effect: 'none',
    })
  if (Buffer.byteLength(value) < MINIMUM_SECRET_BYTES)
    throw new RingfenceError('config.invalid', `The secret "${secret.name}" is shorter than ${MINIMUM_SECRET_BYTES} bytes`, {
      hint: 'A value this short cannot be kept out of output. Use a longer one.',
      effect: 'none',
    })
  return value
}
