import { RingfenceError, type TerminalSize } from '@ringfence/core'
import { openWorkspace } from '@ringfence/workspace'
import { type CommandContext, policyOf, providerOf, repositoryManifest } from './context.ts'
import type { ExecOptions } from './exec.ts'

function sizeOf(stream: NodeJS.WriteStream): TerminalSize {
  return { columns: stream.columns || 80, rows: stream.rows || 24 }
}

/** A shell on a terminal in a sandbox of its own, until it ends. */
export async function shellCommand(options: ExecOptions, context: CommandContext): Promise<number> {
  const { screen, signal } = context
  const { stdin, stdout } = process
  if (!stdin.isTTY || !stdout.isTTY)
    throw new RingfenceError('config.invalid', 'A shell needs a terminal, and this is none', {
      hint: 'Use `ringfence exec`.',
      effect: 'none',
    })
  const sandbox = await providerOf(options, context)
  await using workspace = await openWorkspace({ sandbox, policy: policyOf(options), manifest: repositoryManifest(options.repo), signal })
  if (!workspace.hasPty)
    throw new RingfenceError('feature.unsupported', `"${workspace.provider}" has no terminals`, {
      hint: 'Use `ringfence exec`, or another provider.',
      effect: 'none',
    })
  screen.note(`sandbox ${workspace.sandboxId}, isolation ${workspace.isolation}; it ends with the shell`)
  const command = await workspace.spawn(['sh', '-i'], {
    pty: sizeOf(stdout),
    cwd: options.repo === undefined ? '.' : 'repo',
    env: { TERM: process.env.TERM ?? 'xterm' },
  })
  const onData = (bytes: Buffer): void => {
    command.stdin?.write(bytes).catch(() => {
      // The shell has ended; its exit tells.
    })
  }
  const onResize = (): void => {
    command.resize?.(sizeOf(stdout)).catch(() => {
      // As above.
    })
  }
  stdin.setRawMode(true)
  stdin.on('data', onData)
  stdout.on('resize', onResize)
  try {
    for await (const { bytes } of command.output) stdout.write(bytes)
    return (await command.exit).exitCode ?? 1
  } finally {
    stdin.setRawMode(false)
    stdin.off('data', onData)
    stdout.off('resize', onResize)
    stdin.pause()
  }
}
