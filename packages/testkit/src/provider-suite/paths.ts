import { isRingfenceError } from '@ringfence/core'
import type { Workspace } from '@ringfence/workspace'
import { conformanceError, expectCode, expectEqual, expectThrown, expectTrue } from '../assert/assert.ts'
import { eitherWay, open, type ProviderRequirement, requirement } from './subject.ts'

const LINKS =
  'mkdir -p in; echo inside > in/file; ln -s /etc out-dir; ln -s /etc/passwd out-file; ln -s in in-dir; ln -s in/file in-file; ln -s loop loop; ln -s ../.. up'

/** Each call on a path, by name. */
function calls(workspace: Workspace, path: string): Readonly<Record<string, () => Promise<unknown>>> {
  return {
    readFile: () => workspace.readFile(path),
    writeFile: () => workspace.writeFile(path, 'x'),
    list: () => workspace.list(path),
    stat: () => workspace.stat(path),
    remove: () => workspace.remove(path),
    mkdir: () => workspace.mkdir(path),
    'rename from': () => workspace.rename(path, 'elsewhere'),
    'rename to': () => workspace.rename('here', path),
  }
}

async function expectAll(workspace: Workspace, path: string, code: 'path.escapes-workspace' | 'path.invalid'): Promise<void> {
  for (const [name, call] of Object.entries(calls(workspace, path))) await expectCode(call, code, `${name}(${JSON.stringify(path)})`)
}

export const pathsRequirements: readonly ProviderRequirement[] = [
  requirement('paths.dotdot-refused', 'Paths that lead out by ".." are refused by every call.', async (subject, context) => {
    const workspace = await open(subject, context)
    for (const path of ['..', '../x', 'a/../../x', './../x']) await expectAll(workspace, path, 'path.escapes-workspace')
  }),
  requirement(
    'paths.absolute-outside-refused',
    'Absolute paths outside of the workspace are refused by every call.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      for (const path of ['/etc/passwd', '/', `${workspace.root}-sibling/x`, `${workspace.root}/../x`])
        await expectAll(workspace, path, 'path.escapes-workspace')
    },
  ),
  requirement(
    'paths.absolute-inside',
    'Absolute paths within the workspace, and ".." that stays within, are taken.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.writeFile(`${workspace.root}/a/f`, 'x')
      expectEqual([await workspace.readText('a/../a/./f'), (await workspace.list(workspace.root)).length], ['x', 1], 'What is read')
    },
  ),
  requirement('paths.invalid-refused', 'An empty path, and one with a NUL, are path.invalid.', async (subject, context) => {
    const workspace = await open(subject, context)
    for (const path of ['', 'a\0b']) await expectAll(workspace, path, 'path.invalid')
  }),
  requirement(
    'paths.link-out.read',
    'A link that leads out is refused by reading and listing; the error tells nothing of what is there.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.exec(LINKS)
      const refused = [
        () => workspace.readFile('out-file'),
        () => workspace.readFile('out-dir/passwd'),
        () => workspace.list('out-dir'),
        () => workspace.list('up'),
        () => workspace.stat('out-dir/passwd'),
      ]
      for (const call of refused) {
        const error = await expectCode(call, 'path.escapes-workspace')
        expectTrue(!error.message.includes('/etc'), `The message tells where the link leads: ${error.message}`)
      }
      const there = await expectThrown(() => workspace.readFile('out-dir/passwd'))
      const absent = await expectThrown(() => workspace.readFile('out-dir/no-such-file'))
      if (!isRingfenceError(there) || !isRingfenceError(absent) || there.code !== absent.code)
        throw conformanceError('The error tells whether something is there')
    },
  ),
  requirement(
    'paths.link-out.write',
    'Writing behind a link that leads out is refused; writing onto the link replaces it or is refused.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.exec('mkdir out; ln -s "$(cd /tmp && pwd)" tmp-dir; ln -s /tmp/ringfence-target tmp-file')
      await expectCode(workspace.writeFile('tmp-dir/planted', 'x'), 'path.escapes-workspace')
      await expectCode(workspace.mkdir('tmp-dir/planted'), 'path.escapes-workspace')
      await eitherWay(workspace.writeFile('tmp-file', 'x'))
      const { stdout } = await workspace.exec('ls -d /tmp/planted /tmp/ringfence-target 2>/dev/null; true')
      expectEqual(stdout, '', 'What was written outside')
    },
  ),
  requirement(
    'paths.link-out.remove',
    'Removing behind a link that leads out is refused; removing the link removes the link.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.exec('mkdir /tmp/kept-dir && echo x > /tmp/kept-dir/f; ln -s /tmp/kept-dir out')
      await expectCode(workspace.remove('out/f'), 'path.escapes-workspace')
      await workspace.remove('out', { recursive: true })
      expectEqual((await workspace.exec('cat /tmp/kept-dir/f; ls -A; rm -r /tmp/kept-dir')).stdout, 'x\n', 'What is left')
    },
  ),
  requirement('paths.link-out.rename', 'Renaming from or to behind a link that leads out is refused.', async (subject, context) => {
    const workspace = await open(subject, context)
    await workspace.exec('ln -s /tmp out; echo x > f; echo y > /tmp/theirs')
    await expectCode(workspace.rename('f', 'out/f'), 'path.escapes-workspace')
    await expectCode(workspace.rename('out/theirs', 'mine'), 'path.escapes-workspace')
    expectEqual((await workspace.exec('cat f /tmp/theirs; rm /tmp/theirs')).stdout, 'x\ny\n', 'What is there')
  }),
  requirement(
    'paths.link-inside',
    'Links that stay inside are followed by reading, and by writing below them.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.exec(LINKS)
      expectEqual([await workspace.readText('in-file'), await workspace.readText('in-dir/file')], ['inside\n', 'inside\n'], 'What is read')
      await workspace.writeFile('in-dir/new', 'x')
      expectEqual(await workspace.readText('in/new'), 'x', 'What was written')
    },
  ),
  requirement('paths.link-cycle', 'Links that lead in a circle are an error, never a hang.', async (subject, context) => {
    const workspace = await open(subject, context)
    await workspace.exec(LINKS)
    await expectThrown(workspace.readFile('loop'), 'Reading it')
    await expectThrown(workspace.readFile('loop/x'), 'Reading below it')
  }),
  requirement(
    'paths.odd-names',
    'Names with spaces, quotes, newlines, leading dashes, wildcards and non-ASCII letters are names like any other.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      const names = [
        'a b',
        "it's",
        '"q"',
        'two\nlines',
        '-rf',
        '--',
        '*',
        '[x]',
        '$HOME',
        '`id`',
        '\\',
        'ünï ✓',
        ' lead',
        'trail ',
        '!x',
        '~',
        '#',
        '...',
        'tab\there',
      ]
      for (const name of names) {
        await workspace.writeFile(name, name)
        expectEqual(await workspace.readText(name), name, `The content of ${JSON.stringify(name)}`)
        await workspace.writeFile(`dir of ${name}/${name}`, name)
      }
      const listed = (await workspace.list('.')).map(({ name }) => name)
      expectEqual(listed.sort(), [...names, ...names.map((name) => `dir of ${name}`)].sort(), 'The listing')
      for (const name of names) {
        await workspace.rename(name, `${name}2`)
        await workspace.remove(`${name}2`)
        await workspace.remove(`dir of ${name}`, { recursive: true })
      }
      expectEqual(await workspace.list('.'), [], 'What is left')
    },
  ),
  requirement(
    'paths.swapped',
    'A directory that is swapped for a link out at full speed never lets a write or a read out.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.exec(
        'mkdir real /tmp/outside; echo outside > /tmp/outside/f; echo inside > real/f; ln -s /tmp/outside evil; cp -r real d',
      )
      const swapper = await workspace.spawn(
        'while [ ! -e stop ]; do mv d d1 2>/dev/null; mv evil d 2>/dev/null; mv d evil 2>/dev/null; mv d1 d 2>/dev/null; done',
      )
      for (let index = 0; index < 40; index++) {
        expectEqual((await eitherWay(workspace.readText('d/f'))) ?? 'inside\n', 'inside\n', 'What is read')
        await eitherWay(workspace.writeFile('d/planted', 'x'))
      }
      await workspace.writeFile('stop', '')
      await swapper.exit
      expectEqual((await workspace.exec('ls /tmp/outside; rm -r /tmp/outside')).stdout, 'f\n', 'What is outside')
    },
  ),
]
