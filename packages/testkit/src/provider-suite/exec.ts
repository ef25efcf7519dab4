import { createHash } from 'node:crypto'
import { expectCode, expectEqual, expectReason, expectTrue } from '../assert/assert.ts'
import { apartStreams } from './features.ts'
import { open, type ProviderRequirement, requirement, until } from './subject.ts'

const ODD_COMMANDS = [
  `echo it\\'s`,
  `printf '%s' "a'b"`,
  'echo "$((1+1))"',
  'echo a; echo b',
  'echo \\\\',
  'true # comment',
  'echo "\'"',
  'cat <<E\nx\nE',
  "echo $'x'",
  '(echo sub)',
  '{ echo brace; }',
  'echo *',
]

export const execRequirements: readonly ProviderRequirement[] = [
  requirement('exec.exit-code.nonzero-resolves', 'A non-zero exit is a result, not an error.', async (subject, context) => {
    const workspace = await open(subject, context)
    for (const code of [0, 1, 3, 127, 255]) {
      const { exitCode, signal, timedOut } = await workspace.exec(`exit ${code}`)
      expectEqual({ exitCode, signal, timedOut }, { exitCode: code, signal: null, timedOut: false }, `exit ${code}`)
    }
  }),
  requirement('exec.signal', 'A command that a signal ended says which.', async (subject, context) => {
    const workspace = await open(subject, context)
    const { exitCode, signal } = await workspace.exec('kill -KILL $$')
    expectEqual({ exitCode, signal }, { exitCode: null, signal: 'SIGKILL' }, 'The status')
  }),
  requirement(
    'exec.streams',
    'stdout and stderr are kept apart.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      const { stdout, stderr } = await workspace.exec('echo out; echo err >&2; printf end')
      expectEqual([stdout, stderr], ['out\nend', 'err\n'], 'The streams')
    },
    apartStreams,
  ),
  requirement('exec.argv', 'The words of an argv arrive unchanged, with nothing interpreted.', async (subject, context) => {
    const workspace = await open(subject, context)
    const words = ['', 'a b', "it's", '"q"', '$HOME $(id) `id`', 'two\nlines', 'ünï ✓', '-n', '\\', '*', ';', '&&', '|', '!x']
    const { stdout } = await workspace.exec(['sh', '-c', `for word; do printf '%s\\001' "$word"; done`, 'sh', ...words])
    expectEqual(stdout.split('\x01').slice(0, -1), words, 'The words')
  }),
  requirement('exec.shell-text', 'A string runs by sh, whatever is in it, and leaves the channel whole.', async (subject, context) => {
    const workspace = await open(subject, context)
    for (const command of ODD_COMMANDS) expectEqual((await workspace.exec(command)).exitCode, 0, `The code of ${JSON.stringify(command)}`)
    for (const broken of ['echo "', "echo '", 'if', ')', '${', '`', 'cat <<']) {
      await workspace.exec(broken)
      expectEqual((await workspace.exec('echo on')).stdout, 'on\n', `What runs after ${JSON.stringify(broken)}`)
    }
  }),
  requirement('exec.long-command', 'A command of 64 KiB runs.', async (subject, context) => {
    const workspace = await open(subject, context)
    const text = 'x'.repeat(65_536)
    expectEqual((await workspace.exec(`printf %s ${text} | wc -c`)).stdout.trim(), '65536', 'The length')
  }),
  requirement(
    'exec.not-found',
    'A program that is not there is exec.spawn-failed; within a shell text it is code 127.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await expectCode(workspace.exec(['no-such-program-anywhere']), 'exec.spawn-failed')
      expectEqual((await workspace.exec('no-such-program-anywhere')).exitCode, 127, 'The code')
    },
  ),
  requirement(
    'exec.env',
    'Variables come from the manifest and from the call, which wins; values arrive unchanged.',
    async (subject, context) => {
      const workspace = await open(subject, context, { manifest: { env: { A: 'manifest', B: 'kept' } } })
      const odd = 'q"\'$x\n`y` ✓'
      const { stdout } = await workspace.exec('printf "%s|%s|%s" "$A" "$B" "$ODD"', { env: { A: 'call', ODD: odd } })
      expectEqual(stdout, `call|kept|${odd}`, 'The variables')
      expectEqual((await workspace.exec('printf "%s" "${ODD-unset}"')).stdout, 'unset', 'The variable of the call before')
    },
  ),
  requirement('exec.cwd', 'Commands run in the workspace, or in the directory that is named.', async (subject, context) => {
    const workspace = await open(subject, context)
    await workspace.mkdir('a dir/b')
    expectEqual(
      (await workspace.exec('pwd -P')).stdout.trim().endsWith(workspace.root.replace(/^\/private/, '')),
      true,
      'Whether it is the root',
    )
    expectTrue(
      (await workspace.exec('pwd', { cwd: 'a dir/b' })).stdout.trim().endsWith('/a dir/b'),
      'It does not run in the named directory',
    )
    expectEqual((await workspace.exec('pwd')).stdout.trim(), workspace.root, 'Where the next one runs')
  }),
  requirement(
    'exec.cwd-missing',
    'A directory that is not there is exec.spawn-failed, and one outside is refused.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await expectCode(workspace.exec('true', { cwd: 'missing' }), 'exec.spawn-failed')
      await expectCode(workspace.exec('true', { cwd: '../..' }), 'path.escapes-workspace')
      expectEqual((await workspace.exec('echo on')).stdout, 'on\n', 'What runs after it')
    },
  ),
  requirement('exec.no-stdin', 'Without stdin a command reads the end at once.', async (subject, context) => {
    const workspace = await open(subject, context)
    expectEqual((await workspace.exec('cat; echo done')).stdout, 'done\n', 'The output')
  }),
  requirement('exec.stdin', 'What is given as stdin is read, byte-exact.', async (subject, context) => {
    const workspace = await open(subject, context)
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256))
    const { stdout } = await workspace.exec('sha256sum', { stdin: bytes })
    expectEqual(stdout.split(' ')[0], createHash('sha256').update(bytes).digest('hex'), 'The digest')
  }),
  requirement('exec.output.large', 'Twelve megabytes come whole.', async (subject, context) => {
    const workspace = await open(subject, context)
    const { stdout, truncated, exitCode } = await workspace.exec('head -c 12582912 /dev/zero | tr "\\000" x')
    expectEqual([stdout.length, truncated, exitCode], [12_582_912, false, 0], 'Length, cut and code')
    expectTrue(/^x*$/.test(stdout), 'Something else is in it')
  }),
  requirement('exec.output.capped', 'More than maxOutputBytes is cut in the middle, and the cut is marked.', async (subject, context) => {
    const workspace = await open(subject, context)
    const { stdout, truncated } = await workspace.exec('echo head; head -c 200000 /dev/zero | tr "\\000" x; echo tail', {
      maxOutputBytes: 1000,
    })
    expectTrue(truncated, 'The cut is not told')
    expectTrue(stdout.startsWith('head\n') && stdout.endsWith('tail\n') && stdout.length < 2000, 'Head and tail are not there')
  }),
  requirement(
    'exec.output.limit',
    'More than maxSpoolBytes ends the command, and is told as exec.output-limit.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await expectCode(workspace.exec('yes', { maxSpoolBytes: 100_000 }), 'exec.output-limit')
      expectEqual((await workspace.exec('echo on')).stdout, 'on\n', 'What runs after it')
    },
  ),
  requirement('exec.output.device-paths', 'Writing to /dev/stdout and /dev/stderr loses nothing.', async (subject, context) => {
    const workspace = await open(subject, context)
    const { stdout, stderr } = await workspace.exec(
      'echo one; echo two > /dev/stdout; echo three; echo x >&2; echo y > /dev/stderr; echo z >&2',
    )
    expectEqual(stdout, 'one\ntwo\nthree\n', 'stdout')
    expectTrue(subject.provider.resolve().wire.output === 'merged' || stderr === 'x\ny\nz\n', `stderr is ${JSON.stringify(stderr)}`)
  }),
  requirement(
    'exec.background',
    'A background job does not hold a command up, and does not mix into the next.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      const { stdout } = await workspace.exec('(sleep 2; echo late) & echo now')
      expectEqual(stdout, 'now\n', 'The output')
      expectEqual((await workspace.exec('echo next')).stdout, 'next\n', 'The next output')
    },
  ),
  requirement(
    'exec.timeout',
    'Past its deadline a command is killed with all that it started, also in sessions of their own.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      const result = await workspace.exec(
        '(while :; do echo x >> child; sleep 0.1; done) & setsid sh -c "while :; do echo x >> escaped; sleep 0.1; done" & sleep 600',
        { timeoutMs: 1500 },
      )
      expectEqual([result.timedOut, result.exitCode === 0], [true, false], 'timedOut, and success')
      const size = async (): Promise<string> => (await workspace.exec('cat child escaped | wc -c')).stdout
      let before = await size()
      await until(context, 'the children stop', async () => {
        await context.runtime.clock.sleep(400, { signal: context.signal })
        const now = await size()
        const same = now === before
        before = now
        return same
      })
    },
  ),
  requirement('exec.abort', 'An abort kills the command, and the call rejects with the reason.', async (subject, context) => {
    const workspace = await open(subject, context)
    const abort = new AbortController()
    const reason = new Error('changed my mind')
    const running = workspace.exec('echo x > started; while :; do echo x >> beats; sleep 0.1; done', { signal: abort.signal })
    const rejected = expectReason(running, reason)
    await until(context, 'it runs', async () => (await workspace.stat('beats')) !== undefined)
    abort.abort(reason)
    await rejected
    let before = -1
    await until(context, 'it stops', async () => {
      await context.runtime.clock.sleep(400, { signal: context.signal })
      const now = (await workspace.stat('beats'))?.size ?? 0
      const same = now === before
      before = now
      return same
    })
  }),
  requirement('exec.parallel', 'Thirty-two commands at once have each their own output and code.', async (subject, context) => {
    const workspace = await open(subject, context)
    const numbers = Array.from({ length: 32 }, (_, index) => index)
    const results = await Promise.all(numbers.map((n) => workspace.exec(`echo n${n}; exit ${n}`)))
    expectEqual(
      results.map(({ stdout, exitCode }) => [stdout, exitCode]),
      numbers.map((n) => [`n${n}\n`, n]),
      'The results',
    )
  }),
]
