import { spawn } from 'node:child_process'
import { errors } from './errors.ts'

/**
 * Runs a program of the host to its end.
 *
 * @throws `provider.failed` with what it said.
 */
export async function runProgram(operation: string, program: string, words: readonly string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let said = ''
    const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr.on('data', (data: Buffer) => {
      said = (said + data.toString()).slice(0, 500)
    })
    child.on('error', (cause) => reject(errors.failed(operation, `The program "${program}" could not be started`, cause)))
    child.on('close', (code) => (code === 0 ? resolve() : reject(errors.failed(operation, `"${program}" failed: "${said.trim()}"`))))
  })
}

/** Removes a tree of hostile names, depth and modes, which no file function of Node gets through. */
export async function removeTree(path: string): Promise<void> {
  const script = 'rm -rf -- "$1" 2>/dev/null || { chmod -R u+rwx -- "$1"; rm -rf -- "$1"; }'
  await runProgram('sandbox.destroy', 'sh', ['-c', script, 'sh', path])
}
