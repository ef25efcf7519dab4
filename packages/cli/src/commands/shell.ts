import { RingfenceError, type TerminalSize } from '@ringfence/core'
import { openWorkspace } from '@ringfence/workspace'
import { type CommandContext, policyOf, providerOf } from './context.ts'
import { type ExecOptions, shellCode } from './exec.ts'
import { manifestOf } from './repository.ts'

function sizeOf(stream: NodeJS.WriteStream): TerminalSize {
  return { columns: stream.columns || 80, rows: stream.rows || 24 }
}

function refuseWithoutPty(provider: string): never {
  throw new RingfenceError('feature.unsupported', `"${provider}" has no terminals`, {
    hint: 'Use `ringfence exec`, or another provider.',
    effect: 'none',
  })
}

/** A shell on a terminal in a sandbox of its own, until it ends. */
export async function shellCommand(options: ExecOptions, context: CommandContext): Promise<number> {
  const { screen, signal, cwd } = context
  const { stdin, stdout } = process
  if (!stdin.isTTY || !stdout.isTTY)
    throw new RingfenceError('config.invalid', 'A shell needs a terminal, and this is none', {
      hint: 'Use `ringfence exec`.',
      effect: 'none',
    })
  const manifest = manifestOf(options.repo, cwd)
  const sandbox = await providerOf(options, context)
  if (sandbox.resolve().facets.pty === 'never') refuseWithoutPty(sandbox.profile.name)
  await using workspace = await openWorkspace({ sandbox, policy: policyOf(options), manifest, signal })
  if (!workspace.hasPty) refuseWithoutPty(workspace.provider)
  screen.note(`sandbox ${workspace.sandboxId}, isolation ${workspace.isolation}; it ends with the shell`)
  const command = await workspace.spawn(['sh', '-i'], {
    pty: sizeOf(stdout),
    cwd: options.repo === undefined ? '.' : 'repo',
    env: { TERM: process.env.TERM ?? 'xterm' },
    signal,
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
    return shellCode(await command.exit)
  } finally {
    stdin.setRawMode(false)
    stdin.off('data', onData)
    stdout.off('resize', onResize)
    stdin.pause()
  }
}
