import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export interface RawOptions {
  readonly cwd?: string | undefined
  /** Given to its standard input. Default: none. */
  readonly input?: Iterable<Uint8Array> | AsyncIterable<Uint8Array> | undefined
  readonly onOutput?: ((bytes: Buffer) => void) | undefined
}

/**
 * Starts a program as plainly as Node can, and reads all that it prints.
 *
 * @throws Error when it fails.
 */
export async function runRaw(argv: readonly string[], { cwd, input, onOutput }: RawOptions = {}): Promise<void> {
  const [program = '', ...args] = argv
  const child = spawn(program, args, { cwd, stdio: [input ? 'pipe' : 'ignore', 'pipe', 'inherit'] })
  child.stdout?.on('data', (bytes: Buffer) => onOutput?.(bytes))
  const closed = once(child, 'close')
  if (input && child.stdin) await pipeline(Readable.from(input), child.stdin)
  const [code] = await closed
  if (code !== 0) throw new Error(`"${program}" of a floor ended with ${String(code)}`)
}

/** What a program prints, as text. */
export async function outputOf(argv: readonly string[]): Promise<string> {
  const chunks: Buffer[] = []
  await runRaw(argv, { onOutput: (bytes) => void chunks.push(bytes) })
  return Buffer.concat(chunks).toString()
}

export function shell(command: string): string[] {
  return ['/bin/sh', '-c', command]
}
