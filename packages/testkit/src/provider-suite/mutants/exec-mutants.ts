import type { CommandLine, ExecOptions, ExecResult } from '@ringfence/core'
import type { Workspace } from '@ringfence/workspace'
import { type ProviderMutant, workspace } from './mutate.ts'

type Exec = Workspace['exec']

/** A fault of what a command gives. */
function result(
  id: string,
  breaks: readonly string[],
  fault: (result: ExecResult, line: CommandLine) => Partial<ExecResult>,
): ProviderMutant {
  return workspace(id, breaks, (real) => ({
    exec: async (line, options) => {
      const honest = await real.exec(line, options)
      return { ...honest, ...fault(honest, line) }
    },
  }))
}

/** A fault of how a command is asked for. */
function asked(
  id: string,
  breaks: readonly string[],
  fault: (line: CommandLine, options: ExecOptions) => Parameters<Exec>,
): ProviderMutant {
  return workspace(id, breaks, (real) => ({ exec: (line, options = {}) => real.exec(...fault(line, options)) }))
}

export const execMutants: readonly ProviderMutant[] = [
  result('exec-code-zero', ['exec.exit-code.nonzero-resolves'], () => ({ exitCode: 0 })),
  result('exec-signal-as-code', ['exec.signal'], ({ signal, exitCode }) => (signal ? { signal: null, exitCode: 137 } : { exitCode })),
  result('exec-output-late-lines-lost', ['exec.background', 'exec.no-stdin'], ({ stdout }) => ({
    stdout: stdout.split('\n').slice(0, -2).join('\n'),
  })),
  result('exec-output-shortened', ['exec.output.large', 'exec.long-command', 'exec.stdin'], ({ stdout }) => ({
    stdout: stdout.slice(0, Math.min(stdout.length / 2, 4_000_000)),
  })),
  result('exec-cut-not-told', ['exec.output.capped'], () => ({ truncated: false })),
  result('exec-device-output-lost', ['exec.output.device-paths'], ({ stdout }, line) =>
    String(line).includes('/dev/stdout') ? { stdout: stdout.replace('one\n', '') } : {},
  ),
  result('exec-timeout-not-told', ['exec.timeout'], () => ({ timedOut: false })),
  result('exec-one-output-for-all', ['exec.parallel', 'exec.hostile'], () => ({ stdout: 'n1\n', exitCode: 1 })),
  asked('exec-words-joined', ['exec.argv'], (line, options) => [typeof line === 'string' ? line : line.join(' '), options]),
  asked('exec-channel-stays-broken', ['exec.shell-text'], (line, options) => [line === 'echo on' ? 'echo off' : line, options]),
  asked('exec-missing-program-succeeds', ['exec.not-found'], (line, options) => [
    Array.isArray(line) && String(line[0]).startsWith('no-such') ? 'true' : line,
    options,
  ]),
  asked('exec-env-lost', ['exec.env'], (line, options) => [line, { ...options, env: undefined }]),
  asked('exec-cwd-lost', ['exec.cwd', 'exec.cwd-missing', 'errors.effect-none'], (line, options) => [line, { ...options, cwd: undefined }]),
  asked('exec-limit-lost', ['exec.output.limit'], (line, options) => [
    line === 'yes' ? 'head -c 200000 /dev/zero' : line,
    { ...options, maxSpoolBytes: undefined },
  ]),
  asked('exec-signal-lost', ['exec.abort'], (line, options) => [line, { ...options, timeoutMs: 3000, signal: undefined }]),
  asked('exec-ids-ignored', ['exec.once', 'exec.once.other-command', 'exec.attach.ended'], (line, options) => [
    line,
    { ...options, opId: undefined },
  ]),
  asked('exec-user-ignored', ['policy.user.refused'], (line, options) => [line, { ...options, user: undefined }]),
  workspace('attach-from-the-middle', ['exec.attach.running'], (real) => ({
    attach: async (opId) => {
      const command = await real.attach(opId)
      return {
        ...command,
        output: (async function* () {
          for await (const chunk of command.output)
            yield { ...chunk, bytes: Buffer.from(Buffer.from(chunk.bytes).toString('latin1').replace('early\n', ''), 'latin1') }
        })(),
      }
    },
  })),
  workspace('attach-to-anything', ['exec.attach.unknown'], (real) => ({ attach: async () => real.spawn('true') })),
  workspace('spawn-stdin-closed', ['exec.spawn.stdin'], (real) => ({
    spawn: (line, options) => real.spawn(line, { ...options, stdin: 'none' }),
  })),
  workspace('spawn-kill-misses', ['exec.spawn.kill'], (real) => ({
    spawn: async (line, options) => ({ ...(await real.spawn(String(line).includes('sleep 600') ? 'true' : line, options)) }),
  })),
  workspace('spawn-exit-wrong', ['exec.spawn.unread'], (real) => ({
    spawn: async (line, options) => {
      const command = await real.spawn(line, options)
      const exit = command.exit.then((honest) => ({ ...honest, exitCode: 0 }))
      // One that nobody awaits must not end the harness.
      exit.catch(() => undefined)
      return { ...command, exit }
    },
  })),
  workspace('spawn-without-terminal', ['exec.pty'], (real) => ({
    hasPty: true,
    spawn: (line, options) => real.spawn(line, { ...options, pty: undefined }),
  })),
]
