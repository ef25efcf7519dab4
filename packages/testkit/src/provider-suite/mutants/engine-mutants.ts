import { type CommandLine, type ExecOptions, type ExecResult, RingfenceError } from '@ringfence/core'
import type { Workspace } from '@ringfence/workspace'
import { eitherWay } from '../subject.ts'
import { opening, type ProviderMutant, workspace } from './mutate.ts'

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

const silent = async (work: Promise<void>): Promise<void> => {
  await eitherWay(work)
}

const NO_RESULT: ExecResult = {
  opId: 'x',
  exitCode: 0,
  signal: null,
  timedOut: false,
  outputCut: false,
  stdout: '',
  stderr: '',
  truncated: false,
  durationMs: 0,
}

const commands: readonly ProviderMutant[] = [
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

const files: readonly ProviderMutant[] = [
  workspace('read-as-text', ['files.round-trip', 'files.large'], (real) => ({
    readFile: async (path, options) => Buffer.from(Buffer.from(await real.readFile(path, options)).toString('utf8')),
    async *readStream(path, options) {
      for await (const chunk of real.readStream(path, options)) yield Buffer.from(Buffer.from(chunk).toString('utf8'))
    },
  })),
  workspace('empty-is-missing', ['files.empty'], (real) => ({
    readFile: async (path, options) => {
      const bytes = await real.readFile(path, options)
      return bytes.length === 0 ? Buffer.from('\n') : bytes
    },
  })),
  workspace('missing-is-empty', ['files.missing', 'paths.link-cycle', 'errors.branded'], () => ({
    readFile: async () => new Uint8Array(),
    list: async () => [],
    attach: async () => Promise.reject(new TypeError('plain')),
  })),
  workspace('parents-not-made', ['files.parents'], (real) => ({
    writeFile: async (path, data, options) => {
      if (path.includes('/') && !(await eitherWay(real.stat(path.slice(0, path.lastIndexOf('/'))))))
        throw new RingfenceError('fs.not-found', `The parent of "${path}" is missing`)
      await real.writeFile(path, data, options)
    },
  })),
  workspace('write-appends', ['files.overwrite', 'files.failed-write'], (real) => ({
    writeFile: async (path, data, options) => {
      const before = (await eitherWay(real.readFile(path))) ?? new Uint8Array()
      const chunks: Uint8Array[] = [before]
      try {
        if (typeof data === 'string' || data instanceof Uint8Array) chunks.push(Buffer.from(data))
        else for await (const chunk of data) chunks.push(chunk)
      } finally {
        await real.writeFile(path, Buffer.concat(chunks), options)
      }
    },
  })),
  workspace('mode-ignored', ['files.mode', 'files.overwrite'], (real) => ({
    writeFile: (path, data, options) => real.writeFile(path, data, { ...options, mode: 0o640 }),
  })),
  workspace('max-bytes-ignored', ['files.max-bytes'], (real) => ({
    readFile: (path, options) => real.readFile(path, { ...options, maxBytes: undefined }),
  })),
  workspace('directory-errors-untyped', ['files.is-directory'], (real) => ({
    readFile: async (path, options) => {
      try {
        return await real.readFile(path, options)
      } catch {
        throw new RingfenceError('fs.failed', 'Something failed in the sandbox')
      }
    },
  })),
  workspace('list-hides', ['files.list', 'files.list.many'], (real) => ({
    list: async (path, options) => (await real.list(path, options)).filter(({ name }) => !name.startsWith('.')).slice(0, 1000),
  })),
  workspace('stat-follows', ['files.stat'], (real) => ({
    stat: async (path, options) => (path === 'link' ? real.stat('f', options) : real.stat(path, options)),
  })),
  workspace('remove-always-recursive', ['files.remove'], (real) => ({
    remove: (path, options) => real.remove(path, { ...options, recursive: true, force: true }),
  })),
  workspace('mkdir-swallows', ['files.mkdir'], (real) => ({ mkdir: (path, options) => silent(real.mkdir(path, options)) })),
  workspace('rename-copies', ['files.rename'], (real) => ({ rename: async (from, to) => real.writeFile(to, await real.readFile(from)) })),
  workspace('denied-is-empty', ['files.denied'], (real) => ({
    readFile: async (path, options) => (await eitherWay(real.readFile(path, options))) ?? new Uint8Array(),
    writeFile: (path, data, options) => silent(real.writeFile(path, data, options)),
  })),
  workspace('reads-mixed', ['files.parallel'], (real) => ({
    readText: (path, options) => real.readText(path === 'f7' ? 'f8' : path, options),
  })),
  workspace('stream-left-open', ['files.read-stream'], (real) => {
    let left = false
    return {
      async *readStream(path, options) {
        if (left) throw new RingfenceError('fs.failed', 'The channel is still busy')
        left = true
        yield* real.readStream(path, options)
      },
    }
  }),
]

/** Every path is taken, whatever it is: the last part of it. */
const careless = (path: string): string =>
  path
    .split('\0')
    .join('')
    .split('/')
    .filter((part) => part !== '..' && part !== '')
    .at(-1) ?? '.'

const paths: readonly ProviderMutant[] = [
  workspace(
    'paths-cleaned-instead-of-refused',
    ['paths.dotdot-refused', 'paths.absolute-outside-refused', 'paths.invalid-refused', 'errors.effect-none'],
    (real) => ({
      readFile: async (path, options) => (await eitherWay(real.readFile(careless(path), options))) ?? new Uint8Array(),
    }),
  ),
  workspace('absolute-always-refused', ['paths.absolute-inside'], (real) => ({
    writeFile: async (path, data, options) => {
      if (path.startsWith('/')) throw new RingfenceError('path.escapes-workspace', 'Absolute paths are refused')
      await real.writeFile(path, data, options)
    },
  })),
  workspace(
    'links-followed-out',
    ['paths.link-out.read', 'paths.link-out.write', 'paths.link-out.remove', 'paths.link-out.rename', 'paths.swapped'],
    (real) => ({
      readFile: async (path) => Buffer.from((await real.exec(['cat', '--', path])).stdout),
      readText: async (path) =>
        (await real.exec(['cat', '--', path])).stdout || Promise.reject(new RingfenceError('fs.not-found', 'Nothing was read')),
      writeFile: async (path, data) =>
        void (await real.exec(['sh', '-c', 'cat > "$1"', 'sh', path], { stdin: typeof data === 'string' ? data : '' })),
      remove: async (path) => void (await real.exec(['rm', '-rf', '--', path])),
      rename: async (from, to) => void (await real.exec(['mv', '--', from, to])),
    }),
  ),
  workspace('links-never-followed', ['paths.link-inside'], (real) => ({
    readText: async (path, options) => {
      if ((await real.stat(path))?.type === 'symlink') throw new RingfenceError('path.escapes-workspace', 'Links are refused')
      return real.readText(path, options)
    },
  })),
  workspace('names-trimmed', ['paths.odd-names', 'manifest.odd-names'], (real) => ({
    readText: (path, options) => real.readText(path.trim().replaceAll('\n', ' '), options),
  })),
]

const lifecycle: readonly ProviderMutant[] = [
  workspace('closed-handles-answer', ['lifecycle.use-after-destroy', 'lifecycle.use-after-release'], (real) => ({
    exec: async (line, options) => (await eitherWay(real.exec(line, options))) ?? NO_RESULT,
  })),
  workspace('destroy-only-once', ['lifecycle.destroy-twice'], (real) => {
    let ended = false
    return {
      destroy: async () => {
        if (ended) throw new RingfenceError('sandbox.closed', 'It was destroyed already')
        ended = true
        await real.destroy()
      },
    }
  }),
  workspace('dispose-forgets', ['lifecycle.dispose-on-throw'], (real) => ({ [Symbol.asyncDispose]: () => real.release() })),
  opening('open-ignores-the-signal', ['lifecycle.aborted-open', 'lifecycle.failed-open-leaves-nothing'], (options) => ({
    ...options,
    signal: undefined,
  })),
  opening('events-kept', ['lifecycle.events'], (options) => ({ ...options, onEvent: undefined })),
  opening('attach-fills-again', ['lifecycle.attach'], ({ resume, ...options }) =>
    resume ? { ...options, manifest: options.manifest } : options,
  ),
]

const policies: readonly ProviderMutant[] = [
  opening(
    'policy-dropped',
    [
      'policy.isolation.refused',
      'policy.egress.hosts-unsupported',
      'policy.secret.in-file',
      'policy.secret.in-env',
      'policy.secret.redacted',
      'errors.no-secret',
    ],
    ({ policy, ...options }) => {
      if (policy === undefined || Array.isArray(policy)) return options
      const { minimumIsolation, egress } = policy as { minimumIsolation?: 'none'; egress?: 'open' }
      return {
        ...options,
        policy: { ...(minimumIsolation === 'none' ? { minimumIsolation } : {}), ...(egress === 'open' ? { egress } : {}) },
      }
    },
  ),
  {
    id: 'observation-skipped',
    breaks: ['policy.isolation.observed'],
    mutate: (subject) => ({
      ...subject,
      openWorkspace: async () => {
        throw new RingfenceError('policy.denied', 'It was refused, and the sandbox forgotten')
      },
    }),
  },
  workspace('harness-environment-leaks', ['policy.env.harness-absent'], (real) => ({
    exec: (line, options) => real.exec(line, { ...options, env: { ...options?.env, LEAK: process.env.RINGFENCE_CONFORMANCE_PROBE ?? '' } }),
  })),
  workspace('secret-planted', ['policy.secret.stays-out'], (real) => ({
    exec: async (line, options) => {
      await real.writeFile('planted', 'conformance-secret-7f3a9c')
      return real.exec(line, options)
    },
  })),
]

const content: readonly ProviderMutant[] = [
  opening('manifest-modes-lost', ['manifest.tree'], ({ manifest, ...options }) => ({
    ...options,
    manifest: manifest && {
      ...manifest,
      entries: Object.fromEntries(Object.entries(manifest.entries ?? {}).map(([path, { mode: _mode, ...entry }]) => [path, entry])),
    },
  })),
  workspace('manifest-read-only', ['manifest.writable'], (real) => ({
    exec: async (line, options) => {
      await real.exec('chmod 555 d 2>/dev/null; true')
      return real.exec(line === 'echo new > d/f && rm d/f && : > d/g && ls d' ? 'false' : line, options)
    },
  })),
  opening('manifest-cut', ['manifest.many-files'], ({ manifest, ...options }) => ({
    ...options,
    manifest: manifest && { ...manifest, entries: Object.fromEntries(Object.entries(manifest.entries ?? {}).slice(0, 1000)) },
  })),
  workspace('execute-bits-lost', ['manifest.local-folder', 'snapshot.round-trip'], (real) => ({
    exec: async (line, options) => {
      await real.exec('find . -type f -exec chmod 644 {} +')
      return real.exec(line, options)
    },
  })),
  opening('manifest-unchecked', ['manifest.refused-early'], (options) => ({ ...options, manifest: {} })),
  workspace('snapshot-of-the-end', ['snapshot.is-of-its-moment', 'snapshot.three-cycles', 'snapshot.fork'], (real) => ({
    snapshot: async (options) => {
      await real.exec('rm -f f f1')
      return real.snapshot(options)
    },
    fork: async (options) => {
      await real.exec('rm -f f')
      return real.fork(options)
    },
  })),
  opening(
    'snapshot-not-restored',
    ['snapshot.corrupt-refused', 'snapshot.missing-refused', 'snapshot.ephemeral-left-out'],
    ({ from: _from, ...options }) => options,
  ),
  workspace('secrets-in-snapshots', ['snapshot.secrets-left-out'], (real) => ({
    snapshot: async (options) => {
      await real.exec('cp key key2; rm key; mkdir key')
      return real.snapshot(options)
    },
    stat: async () => ({ type: 'file', size: 1, mode: 0o600, modifiedAt: 0 }),
  })),
  workspace('diff-empty', ['snapshot.diff'], () => ({ diff: async () => '' })),
]

export const engineMutants: readonly ProviderMutant[] = [...commands, ...files, ...paths, ...lifecycle, ...policies, ...content]
