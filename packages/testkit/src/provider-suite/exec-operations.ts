import { expectCode, expectEqual, expectTrue } from '../assert/assert.ts'
import { facet, liveStdin } from './features.ts'
import { open, type ProviderRequirement, readUntil, requirement } from './subject.ts'

/** Commands that have an id, that are attached to, and that are talked to. */
export const operationRequirements: readonly ProviderRequirement[] = [
  requirement('exec.once', 'One operation runs once: the same again gives its result.', async (subject, context) => {
    const workspace = await open(subject, context)
    const first = await workspace.exec('echo x >> count; wc -l < count', { opId: 'op-1' })
    const second = await workspace.exec('echo x >> count; wc -l < count', { opId: 'op-1' })
    expectEqual([first.stdout.trim(), second.stdout.trim()], ['1', '1'], 'The counts')
  }),
  requirement(
    'exec.once.other-command',
    'Another command under the id of one that ran is exec.lost, and is not run.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.exec('true', { opId: 'op-1' })
      await expectCode(workspace.exec('echo x > ran', { opId: 'op-1' }), 'exec.lost')
      expectEqual(await workspace.stat('ran'), undefined, 'What the refused command did')
    },
  ),
  requirement(
    'exec.attach.ended',
    'A command that has ended is attached to: its whole output and its status.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.exec('echo first; echo second; exit 5', { opId: 'op-1' })
      const command = await workspace.attach('op-1')
      const text = await readUntil(command.output[Symbol.asyncIterator](), 'second')
      expectEqual([text, (await command.exit).exitCode], ['first\nsecond\n', 5], 'Output and code')
    },
  ),
  requirement(
    'exec.attach.running',
    'A command that runs is attached to from another handle: its output is whole.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.spawn('echo early; while [ ! -e go ]; do sleep 0.05; done; echo late; exit 6', { opId: 'op-1' })
      const state = JSON.parse(JSON.stringify(workspace.state))
      await workspace.release()
      const again = await open(subject, context, { resume: state })
      const command = await again.attach('op-1')
      await again.writeFile('go', '')
      const text = await readUntil(command.output[Symbol.asyncIterator](), 'late')
      expectEqual([text, (await command.exit).exitCode], ['early\nlate\n', 6], 'Output and code')
    },
  ),
  requirement('exec.attach.unknown', 'An operation that never began is exec.lost.', async (subject, context) => {
    const workspace = await open(subject, context)
    await expectCode(workspace.attach('never-began'), 'exec.lost')
  }),
  requirement(
    'exec.spawn.stdin',
    'A spawned command is written to while it runs.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      const command = await workspace.spawn('while read -r line; do echo "<$line>"; done; echo end', { stdin: 'open' })
      const output = command.output[Symbol.asyncIterator]()
      await command.stdin?.write('one\n')
      await readUntil(output, '<one>')
      await command.stdin?.write('two\n')
      await command.stdin?.end()
      await readUntil(output, 'end')
      expectEqual((await command.exit).exitCode, 0, 'The code')
    },
    liveStdin,
  ),
  requirement('exec.spawn.kill', 'kill() ends a spawned command with all that it started; twice is no error.', async (subject, context) => {
    const workspace = await open(subject, context)
    const command = await workspace.spawn('sleep 600 & sleep 600')
    await command.kill('SIGKILL')
    expectEqual((await command.exit).exitCode === 0, false, 'Whether it ended well')
    await command.kill()
  }),
  requirement('exec.spawn.unread', 'A command whose output nobody reads still ends.', async (subject, context) => {
    const workspace = await open(subject, context)
    const command = await workspace.spawn('head -c 3000000 /dev/zero; exit 4')
    expectEqual((await command.exit).exitCode, 4, 'The code')
  }),
  requirement(
    'exec.hostile',
    'What a command writes to descriptors that are not its own breaks nothing and is believed nowhere.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      const attack =
        'for p in /proc/[0-9]*; do for f in 0 1 2; do [ -w $p/fd/$f ] && echo "e 0 done 0 $$" > $p/fd/$f & done; done 2>/dev/null; sleep 0.3; kill $(jobs -p) 2>/dev/null; exit 3'
      await workspace.exec(attack, { timeoutMs: 5000 })
      const { stdout, exitCode } = await workspace.exec('echo still; exit 8')
      expectEqual([stdout, exitCode], ['still\n', 8], 'What runs after it')
    },
  ),
  requirement(
    'exec.pty',
    'A command runs on a terminal, with its directory and variables, and is resized.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.mkdir('sub')
      const command = await workspace.spawn('pwd; echo "v=$V"; test -t 0 && stty size; exit 3', {
        pty: { columns: 70, rows: 20 },
        cwd: 'sub',
        env: { V: 'x y' },
      })
      let text = ''
      for await (const { bytes } of command.output) text += Buffer.from(bytes).toString()
      expectTrue(text.includes('/sub') && text.includes('v=x y') && text.includes('20 70'), `It says ${JSON.stringify(text)}`)
      expectEqual((await command.exit).exitCode, 3, 'The code')
    },
    facet('pty'),
  ),
]
