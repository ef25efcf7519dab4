import { createHash } from 'node:crypto'
import { expectBytes, expectCode, expectEqual, expectReason, expectThrown, expectTrue } from '../assert/assert.ts'
import { apartStreams, liveOutput, liveStdin, wireKill, wireUser } from './features.ts'
import { createSandbox, finish, type ProviderRequirement, readUntil, requirement, sh, until } from './subject.ts'

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
const ALL_BYTES_SCRIPT = `i=0; while [ $i -lt 256 ]; do printf "\\\\$(printf '%03o' $i)"; i=$((i+1)); done`

export const spawnRequirements: readonly ProviderRequirement[] = [
  requirement('contract.spawn.bytes', 'Output is byte-exact: each of the 256 bytes arrives.', async (subject, context) => {
    const sandbox = await createSandbox(subject, context)
    expectBytes((await sh(sandbox, ALL_BYTES_SCRIPT)).stdout, ALL_BYTES, 'stdout')
  }),
  requirement(
    'contract.spawn.streams-apart',
    'stdout and stderr are kept apart.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      const { stdout, stderr } = await sh(sandbox, 'echo out; echo err >&2; echo out2')
      expectEqual([stdout.toString(), stderr.toString()], ['out\nout2\n', 'err\n'], 'The streams')
    },
    apartStreams,
  ),
  requirement('contract.spawn.exit-code', 'The exit code arrives, and a non-zero one is a result.', async (subject, context) => {
    const sandbox = await createSandbox(subject, context)
    for (const wanted of [0, 1, 42, 255]) {
      const { code, signal } = await sh(sandbox, `exit ${wanted}`)
      expectEqual({ code, signal }, { code: wanted, signal: null }, 'The status')
    }
  }),
  requirement(
    'contract.spawn.signal',
    'A process that a signal ended says which; 128 + n is taken for it nowhere.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      const { code, signal } = await sh(sandbox, 'kill -KILL $$')
      expectTrue(
        signal === 'SIGKILL' ? code === null : signal === null && code === 137,
        `The status is ${JSON.stringify({ code, signal })}`,
      )
    },
  ),
  requirement(
    'contract.spawn.argv',
    'Arguments arrive unchanged: empty, spaces, quotes, $, newlines, non-ASCII, leading dashes.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      const words = ['', 'a b', `it's`, '"q"', '$HOME `id` $(id)', 'two\nlines', 'ünïcödé ✓', '-n', '--', '\\', '*', '~', ' ', '\t', '!x']
      const { stdout } = await sh(sandbox, `for word; do printf '%s\\001' "$word"; done`, ...words)
      expectEqual(stdout.toString().split('\x01').slice(0, -1), words, 'The arguments')
    },
  ),
  requirement('contract.spawn.not-found', 'A program that is not there is exec.spawn-failed.', async (subject, context) => {
    const sandbox = await createSandbox(subject, context)
    const started = async (): Promise<void> => {
      const process = await sandbox.spawn(['no-such-program-anywhere'])
      await finish(process).then(({ code }) => expectTrue(code === 126 || code === 127, `The code is ${code}`))
      throw await expectThrown(sandbox.spawn(['']), 'An empty program')
    }
    const error = await expectThrown(started)
    expectTrue(
      typeof error === 'object' &&
        error !== null &&
        'code' in error &&
        (error.code === 'exec.spawn-failed' || error.code === 'config.invalid'),
      `It threw ${String(error)}`,
    )
  }),
  requirement(
    'contract.spawn.bad-argv',
    'No program, a NUL and more than maxArgvBytes are refused before anything is started.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      const { maxArgvBytes } = sandbox.profile.wire
      for (const argv of [[], [''], ['echo', 'a\0b'], ['echo', 'x'.repeat(maxArgvBytes)]]) {
        await expectCode(sandbox.spawn(argv), 'config.invalid', `spawn(${JSON.stringify(argv).slice(0, 40)})`)
      }
      const long = 'x'.repeat(maxArgvBytes - 64)
      expectEqual(
        (await sh(sandbox, 'printf %s "${#1}"', long.slice(0, -40))).stdout.toString(),
        String(long.length - 40),
        'The longest argument',
      )
    },
  ),
  requirement('contract.spawn.large-output', 'Eight megabytes arrive whole and in order.', async (subject, context) => {
    const sandbox = await createSandbox(subject, context)
    const process = await sandbox.spawn([
      'sh',
      '-c',
      'i=0; while [ $i -lt 8 ]; do head -c 1048576 /dev/zero | tr "\\000" "$i"; i=$((i+1)); done',
    ])
    const actual = createHash('sha256')
    for await (const { bytes } of process.output) actual.update(bytes)
    const wanted = createHash('sha256')
    for (let i = 0; i < 8; i++) wanted.update(Buffer.alloc(1_048_576, String(i)))
    expectEqual(actual.digest('hex'), wanted.digest('hex'), 'The digest')
    expectEqual((await process.exit).code, 0, 'The code')
  }),
  requirement(
    'contract.spawn.live',
    'Output arrives while the process runs.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      const flag = `${sandbox.info.workspace}/go`
      const process = await sandbox.spawn(['sh', '-c', 'echo early; while [ ! -e "$1" ]; do sleep 0.05; done; echo late', 'sh', flag])
      const output = process.output[Symbol.asyncIterator]()
      await readUntil(output, 'early')
      await sh(sandbox, ': > "$1"', flag)
      await readUntil(output, 'late')
      while (!(await output.next()).done);
      expectEqual((await process.exit).code, 0, 'The code')
    },
    liveOutput,
  ),
  requirement('contract.spawn.no-stdin', 'Without stdin a process reads the end at once.', async (subject, context) => {
    const sandbox = await createSandbox(subject, context)
    expectEqual((await sh(sandbox, 'cat; echo done')).stdout.toString(), 'done\n', 'The output')
  }),
  requirement(
    'contract.spawn.stdin',
    'What is written to stdin arrives byte-exact, and its end is the end.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      const process = await sandbox.spawn(['cat'], { stdin: true })
      const done = finish(process)
      await process.stdin?.write(ALL_BYTES)
      await process.stdin?.write(Buffer.alloc(1_000_000, 'x'))
      await process.stdin?.end()
      await process.stdin?.end()
      const { stdout, code } = await done
      expectBytes(stdout, Buffer.concat([ALL_BYTES, Buffer.alloc(1_000_000, 'x')]), 'What came back')
      expectEqual(code, 0, 'The code')
    },
    liveStdin,
  ),
  requirement(
    'contract.spawn.stdin-half-close',
    'After stdin was closed the process still prints.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      const process = await sandbox.spawn(['sh', '-c', 'n=$(wc -c); sleep 0.2; echo "read $((n))"'], { stdin: true })
      const done = finish(process)
      await process.stdin?.write(Buffer.from('12345'))
      await process.stdin?.end()
      expectEqual((await done).stdout.toString(), 'read 5\n', 'The output')
    },
    liveStdin,
  ),
  requirement(
    'contract.spawn.stdin-after-end',
    'Writing to a process that has ended is exec.invalid-stdin, never an unhandled error.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      const process = await sandbox.spawn(['true'], { stdin: true })
      await finish(process)
      await expectCode(async () => {
        for (let i = 0; i < 64; i++) await process.stdin?.write(Buffer.alloc(65_536))
      }, 'exec.invalid-stdin')
    },
    liveStdin,
  ),
  requirement('contract.spawn.parallel', 'Twenty processes at once have each their own output and code.', async (subject, context) => {
    const sandbox = await createSandbox(subject, context)
    const numbers = Array.from({ length: 20 }, (_, index) => index)
    const results = await Promise.all(numbers.map((n) => sh(sandbox, `echo "n$1"; exit "$1"`, String(n))))
    expectEqual(
      results.map(({ stdout, code }) => [stdout.toString(), code]),
      numbers.map((n) => [`n${n}\n`, n]),
      'The results',
    )
  }),
  requirement('contract.spawn.abort-start', 'An aborted start rejects with the reason.', async (subject, context) => {
    const sandbox = await createSandbox(subject, context)
    const reason = new Error('not now')
    await expectReason(sandbox.spawn(['true'], { signal: AbortSignal.abort(reason) }), reason)
    expectEqual((await sh(sandbox, 'echo on')).stdout.toString(), 'on\n', 'What runs after it')
  }),
  requirement(
    'contract.spawn.abort-reading',
    'Aborting ends the reading with the reason, and never the process.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      const abort = new AbortController()
      const { workspace } = sandbox.info
      const process = await sandbox.spawn(
        ['sh', '-c', 'cd "$1"; echo early; while [ ! -e go ]; do sleep 0.05; done; : > done', 'sh', workspace],
        { signal: abort.signal },
      )
      const output = process.output[Symbol.asyncIterator]()
      await readUntil(output, 'early')
      const reason = new Error('enough')
      abort.abort(reason)
      await expectReason(async () => {
        while (!(await output.next()).done);
      }, reason)
      await expectThrown(process.exit, 'The exit of an aborted reading')
      await sh(sandbox, ': > "$1/go"', workspace)
      await until(context, 'the process goes on', async () => (await sh(sandbox, '[ -e "$1/done" ]', workspace)).code === 0)
    },
    liveOutput,
  ),
  requirement(
    'contract.spawn.detach',
    'detach() ends the output and rejects the exit; the process goes on.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      const { workspace } = sandbox.info
      const process = await sandbox.spawn(['sh', '-c', 'cd "$1"; while [ ! -e go ]; do sleep 0.05; done; : > done', 'sh', workspace])
      await process.detach()
      await process.detach()
      for await (const _ of process.output);
      await expectThrown(process.exit, 'The exit of a detached process')
      await sh(sandbox, ': > "$1/go"', workspace)
      await until(context, 'the process goes on', async () => (await sh(sandbox, '[ -e "$1/done" ]', workspace)).code === 0)
    },
    liveOutput,
  ),
  requirement(
    'contract.spawn.kill',
    'kill() ends a process, and killing one that has ended is no error.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      const process = await sandbox.spawn(['sleep', '600'])
      await process.kill?.('SIGKILL')
      const { code } = await finish(process)
      expectTrue(code !== 0, 'The process ended well')
      await process.kill?.('SIGTERM')
    },
    wireKill,
  ),
  requirement(
    'contract.spawn.user',
    'A process runs as the user that is named.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      const { stdout } = await finish(await sandbox.spawn(['id', '-un'], { user: 'nobody' }))
      expectEqual(stdout.toString(), 'nobody\n', 'The user')
    },
    wireUser,
  ),
]
