import { RingfenceError } from '@ringfence/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { shell } from '../src/capabilities/index.ts'
import { followCommand } from '../src/capabilities/shell/session.ts'
import { createSessionTable, MAX_SESSIONS } from '../src/capabilities/shell/session-table.ts'
import { type Caller, createCaller, createManualClock, type ManualClock, parseResult } from './capabilities-fixture.ts'
import { createLocalWorkspace, type LocalWorkspace } from './capabilities-workspace.ts'

let workspace: LocalWorkspace
let clock: ManualClock
let caller: Caller

beforeEach(async () => {
  workspace = await createLocalWorkspace()
  clock = createManualClock()
  caller = createCaller(shell({ clock }), workspace)
})

afterEach(async () => {
  await workspace.dispose()
})

/** Starts a command that goes on after it has printed a text. */
async function startSession(args: Record<string, unknown>, printed: string, by: Caller = caller): Promise<ReturnType<typeof parseResult>> {
  const pending = by.text('exec_command', { yield_time_ms: 1000, ...args })
  await workspace.taken(by.lastOpId, printed)
  clock.advance(1000)
  return parseResult(await pending)
}

describe('exec_command', () => {
  it('returns exit code and output, both streams in one text', async () => {
    const result = parseResult(await caller.text('exec_command', { cmd: 'echo out; echo err >&2; exit 3' }))
    expect(result).toMatchObject({ exit: 3, notes: [], tokens: 2 })
    expect(result.output.split('\n').sort()).toEqual(['', 'err', 'out'])
  })

  it('runs bash where there is one, and the shell that is asked for', async () => {
    expect(parseResult(await caller.text('exec_command', { cmd: 'echo $BASH_VERSION' })).output).toMatch(/^\d/)
    expect(parseResult(await caller.text('exec_command', { cmd: 'echo "<$BASH_VERSION>"', shell: '/bin/dash' })).output).toBe('<>\n')
    await workspace.writeFile('.profile', 'FROM_PROFILE=yes')
    await workspace.writeFile('.bash_profile', 'FROM_PROFILE=yes')
    expect(parseResult(await caller.text('exec_command', { cmd: 'echo "<$FROM_PROFILE>"', login: true })).output).toContain('<yes>')
    expect(parseResult(await caller.text('exec_command', { cmd: 'echo "<$FROM_PROFILE>"' })).output).toBe('<>\n')
  })

  it('starts in the cwd of the agent, in workdir below it, and refuses to leave the workspace', async () => {
    await workspace.mkdir('repo/src')
    const inRepo = createCaller(shell({ clock }), workspace, { cwd: 'repo' })
    const pwd = async (args: object): Promise<string> => inRepo.text('exec_command', { cmd: 'pwd', ...args })
    expect(parseResult(await pwd({})).output).toBe(`${workspace.root}/repo\n`)
    expect(parseResult(await pwd({ workdir: 'src' })).output).toBe(`${workspace.root}/repo/src\n`)
    expect(parseResult(await pwd({ workdir: `${workspace.root}/repo/src` })).output).toBe(`${workspace.root}/repo/src\n`)
    expect(parseResult(await pwd({ workdir: '..' })).output).toBe(`${workspace.root}\n`)
    expect(await pwd({ workdir: '../..' })).toMatch(/^exec_command failed: The path "repo\/..\/.." leads out of the workspace\./)
    expect(await pwd({ workdir: '/etc' })).toMatch(/^exec_command failed: .*leads out/)
    expect(await pwd({ workdir: `${workspace.root}2` })).toMatch(/^exec_command failed: .*leads out/)
    expect(await pwd({ shell: '/no/such/shell' })).toMatch(/^exec_command failed: .*"\/no\/such\/shell" could not be started/)
  })

  it('has its stdin at the end, unless a terminal is asked for', async () => {
    expect(parseResult(await caller.text('exec_command', { cmd: 'cat; echo done' }))).toMatchObject({ exit: 0, output: 'done\n' })
  })

  it('keeps within max_output_tokens', async () => {
    const { output, tokens } = parseResult(await caller.text('exec_command', { cmd: 'seq 1 10000', max_output_tokens: 40 }))
    expect(Buffer.byteLength(output)).toBeLessThanOrEqual(160)
    expect(output).toMatch(/^Total output lines: 10000\n\n1\n2\n[\s\S]*tokens truncated…[\s\S]*10000\n$/)
    expect(tokens).toBe(12224)
  })

  it('holds both ends of output that is larger than memory may be', async () => {
    const cmd = 'echo first; head -c 3000000 /dev/zero | tr "\\0" x; echo; echo last'
    const { output, tokens } = parseResult(await caller.text('exec_command', { cmd, max_output_tokens: 1_000_000 }))
    expect(tokens).toBe(Math.ceil(3_000_012 / 4))
    expect(output.length).toBeLessThanOrEqual(1024 * 1024 + 100)
    expect(output).toMatch(/^Total output lines: 3\n\nfirst\nx+…\d+ tokens truncated…x+\nlast\n$/)
  })

  it('does not wait for a process that was left in the background with the output open', async () => {
    const pending = caller.text('exec_command', { cmd: 'echo begun; sleep 1000 & exit 0' })
    await clock.waitedFor(250)
    clock.advance(250)
    expect(parseResult(await pending)).toMatchObject({ exit: 0, output: 'begun\n' })
  })

  it('follows the command of the first call when it is called again', async () => {
    const args = { cmd: 'echo run >> runs; cat runs' }
    const first = parseResult(await caller.text('exec_command', args, { callId: '5.1' }))
    const again = createCaller(shell({ clock }), workspace)
    expect(parseResult(await again.text('exec_command', args, { callId: '5.1' }))).toEqual(first)
    expect(await workspace.readText('runs')).toBe('run\n')
  })

  it('kills the command when the call is aborted, and rejects with the reason', async () => {
    const controller = new AbortController()
    const reason = new Error('no more')
    const pending = caller.text('exec_command', { cmd: 'echo begun; sleep 1000' }, { signal: controller.signal })
    await workspace.taken(caller.lastOpId, 'begun')
    controller.abort(reason)
    await expect(pending).rejects.toBe(reason)
    expect((await (await workspace.attach(caller.lastOpId)).exit).signal).toBe('SIGKILL')
  })

  it('throws when the sandbox is gone, and refuses arguments that are wrong', async () => {
    const gone = new RingfenceError('sandbox.gone', 'It is gone')
    const lostWorkspace: LocalWorkspace = { ...workspace, spawn: () => Promise.reject(gone) }
    await expect(createCaller(shell({ clock }), lostWorkspace).text('exec_command', { cmd: 'true' })).rejects.toBe(gone)
    await expect(caller.text('exec_command', { cmd: '' })).rejects.toThrow('The arguments of exec_command is not valid at "cmd"')
    expect(parseResult(await caller.text('exec_command', { cmd: 'true', workdir: null, tty: null })).exit).toBe(0)
  })

  it('tells the id when the connection is lost, and picks the command up again', async () => {
    const cut = new RingfenceError('provider.failed', 'The connection broke')
    const flaky: LocalWorkspace = {
      ...workspace,
      async spawn(command, options) {
        const real = await workspace.spawn(command, options)
        const output = (async function* () {
          for await (const chunk of real.output) {
            yield chunk
            throw cut
          }
        })()
        return { ...real, output, exit: new Promise<never>(() => undefined) }
      },
    }
    const by = createCaller(shell({ clock }), flaky)
    const first = parseResult(await by.text('exec_command', { cmd: 'echo one; echo two' }))
    expect(first.session).toBe(1001)
    expect(first.notes).toEqual(['Note: The command can be followed no more: The connection broke.'])
    expect(parseResult(await by.text('write_stdin', { session_id: first.session }))).toMatchObject({ exit: 0, output: 'one\ntwo\n' })
  })
})

describe('write_stdin', () => {
  it('shows what is new, then the exit code once', async () => {
    const first = await startSession({ cmd: 'echo one; while [ ! -e go ]; do sleep 0.01; done; echo two; exit 5' }, 'one')
    expect(first).toMatchObject({ session: 1001, output: 'one\n' })
    const poll = caller.text('write_stdin', { session_id: 1001 })
    await clock.waitedFor(5000)
    clock.advance(5000)
    expect(parseResult(await poll)).toMatchObject({ session: 1001, output: '', tokens: 0 })
    await workspace.writeFile('go', '')
    const last = parseResult(await caller.text('write_stdin', { session_id: 1001 }))
    expect(last).toMatchObject({ exit: 5, output: 'two\n' })
    expect(last.session).toBeUndefined()
  })

  it('types into a terminal and interrupts with Ctrl-C', async () => {
    const { session } = await startSession({ cmd: '[ -t 0 ] && echo on a tty; read x; echo "got $x"; sleep 1000', tty: true }, 'on a tty')
    const typing = caller.text('write_stdin', { session_id: session, chars: 'hello\n' })
    await workspace.taken(caller.opIdOf('1.0'), 'got hello')
    clock.advance(250)
    expect(parseResult(await typing).output).toContain('got hello')
    expect(parseResult(await caller.text('write_stdin', { session_id: session, chars: '\u0003' })).exit).toBe(130)
  })

  it('types into an open stdin where there are no terminals, and closes it with Ctrl-D', async () => {
    const plain: LocalWorkspace = { ...workspace, hasPty: false }
    const by = createCaller(shell({ clock }), plain)
    const { session, notes } = await startSession({ cmd: 'echo begun; cat; echo over', tty: true }, 'begun', by)
    expect(notes).toEqual(['Note: This sandbox has no terminals; the command runs with an open stdin instead.'])
    const typing = by.text('write_stdin', { session_id: session, chars: 'hello\n' })
    await workspace.taken(caller.opIdOf('1.0'), 'hello')
    clock.advance(250)
    expect(parseResult(await typing).output).toBe('hello\n')
    expect(parseResult(await by.text('write_stdin', { session_id: session, chars: '\u0004' }))).toMatchObject({ exit: 0, output: 'over\n' })
  })

  it('refuses text for a closed stdin, and still interrupts', async () => {
    const { session } = await startSession({ cmd: 'echo begun; sleep 1000' }, 'begun')
    expect(await caller.text('write_stdin', { session_id: session, chars: 'x' })).toContain(
      'write_stdin failed: stdin is closed for session 1001, which still runs; rerun exec_command with tty=true',
    )
    expect(parseResult(await caller.text('write_stdin', { session_id: session, chars: '\u0003' })).exit).toBe(130)
  })

  it('tells of an unknown session', async () => {
    expect(await caller.text('write_stdin', { session_id: 4242 })).toMatch(/^write_stdin failed: there is no session 4242\./)
    expect(await caller.text('write_stdin', { session_id: 3 })).toMatch(/^write_stdin failed: there is no session 3\./)
  })

  it('finds a session of another process again, once for calls at the same time', async () => {
    const { session } = await startSession({ cmd: 'echo one; while [ ! -e go ]; do sleep 0.01; done; echo two' }, 'one')
    let attached = 0
    const counting: LocalWorkspace = {
      ...workspace,
      attach(opId) {
        attached++
        return workspace.attach(opId)
      },
    }
    const restarted = createCaller(shell({ clock }), counting, {}, 9)
    const polls = [restarted.text('write_stdin', { session_id: session }), restarted.text('write_stdin', { session_id: session })]
    await workspace.writeFile('go', '')
    const results = (await Promise.all(polls)).map(parseResult)
    expect(attached).toBe(1)
    expect(results.map(({ exit }) => exit)).toEqual([0, 0])
    expect(results.map(({ output }) => output).join('')).toBe('one\ntwo\n')
    expect(results[0]?.notes).toEqual(['Note: The session was picked up again; its output is shown from its beginning.'])
  })

  it('does not share sessions between runs', async () => {
    const { session } = await startSession({ cmd: 'echo one; sleep 1000' }, 'one')
    const other: LocalWorkspace = { ...workspace, attach: () => Promise.reject(new RingfenceError('exec.lost', 'unknown')) }
    expect(await createCaller(shell({ clock }), other, {}, 9).text('write_stdin', { session_id: session })).toContain('there is no session')
  })
})

describe('session table', () => {
  it('ends the oldest to make room, ended ones first, never those used last', async () => {
    const table = createSessionTable()
    const follow = async (command: string): ReturnType<typeof workspace.spawn> => workspace.spawn(command, { opId: command })
    const over = followCommand(await follow('true'), clock)
    await over.ended
    const sleeper = followCommand(await follow('sleep 1000'), clock)
    for (let index = 0; index < MAX_SESSIONS; index++) await table.add(`0.${index}`, index === 30 ? over : sleeper)
    const first = await table.add('1.0', followCommand(await follow('sleep 1001'), clock))
    expect(first.note).toContain('had ended')
    expect(table.size).toBe(MAX_SESSIONS)
    const second = await table.add('1.1', followCommand(await follow('sleep 1002'), clock))
    expect(second.note).toBe('Session 1000 was ended, since at most 64 can run at once.')
    await sleeper.ended
    expect(sleeper.end()?.exit?.signal).toBe('SIGKILL')
    expect(table.use(1000)).toBeUndefined()
    expect(table.use(first.id)).toBeDefined()
  })

  it('gives free ids to calls whose id is no turn and index', async () => {
    const table = createSessionTable()
    const session = followCommand(await workspace.spawn('true'), clock)
    expect((await table.add('call_a', session)).id).toBe(1000)
    expect((await table.add('call_b', session)).id).toBe(1001)
  })
})

it('names its tools and tells how they are used', async () => {
  const tools = shell().tools?.({ agent: 'a', cwd: '', hasPty: true }) ?? []
  expect(tools.map(({ name }) => name)).toEqual(['exec_command', 'write_stdin'])
  const [exec] = tools
  expect(exec?.type === 'function' && exec.parameters).toMatchObject({
    type: 'object',
    required: ['cmd'],
    properties: { cmd: { type: 'string', minLength: 1 } },
  })
  expect(shell().instructions?.({ agent: 'a', cwd: 'repo', hasPty: false })).toContain('they start in "repo" in the workspace')
})
