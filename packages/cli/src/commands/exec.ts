import { openWorkspace } from '@ringfence/workspace'
import { type CommandContext, type ProviderOptions, policyOf, providerOf, repositoryManifest } from './context.ts'

export interface ExecOptions extends ProviderOptions {
  readonly repo?: string
  readonly openNetwork?: boolean
  readonly isolation?: string
  readonly timeout?: number
}

/** Runs one command in a sandbox of its own, and passes on its output and its exit code. */
export async function execCommand(words: readonly string[], options: ExecOptions, context: CommandContext): Promise<number> {
  const { signal, screen } = context
  const sandbox = await providerOf(options, context)
  await using workspace = await openWorkspace({ sandbox, policy: policyOf(options), manifest: repositoryManifest(options.repo), signal })
  const line = words.length === 1 ? (words[0] ?? '') : words
  const cwd = options.repo === undefined ? '.' : 'repo'
  const command = await workspace.spawn(line, {
    cwd,
    signal,
    timeoutMs: options.timeout === undefined ? undefined : options.timeout * 1000,
  })
  for await (const { fd, bytes } of command.output) {
    if (screen.json) screen.event({ type: 'output', fd, text: Buffer.from(bytes).toString('utf8') })
    else (fd === 1 ? process.stdout : process.stderr).write(bytes)
  }
  const exit = await command.exit
  screen.event({ type: 'exit', exitCode: exit.exitCode, signal: exit.signal, timedOut: exit.timedOut })
  return exit.exitCode ?? 128 + 9
}
