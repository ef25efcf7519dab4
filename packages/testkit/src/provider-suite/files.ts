import { createHash } from 'node:crypto'
import { RingfenceError } from '@ringfence/core'
import { collectBytes, expectBytes, expectCode, expectEqual, expectThrown } from '../assert/assert.ts'
import { nonRootUser } from './features.ts'
import { open, type ProviderRequirement, requirement } from './subject.ts'

async function* pieces(count: number, size: number): AsyncIterable<Uint8Array> {
  for (let index = 0; index < count; index++) yield Buffer.alloc(size, 250 - index)
}

export const filesRequirements: readonly ProviderRequirement[] = [
  requirement('files.round-trip', 'Bytes come back as they were written, each of the 256.', async (subject, context) => {
    const workspace = await open(subject, context)
    const bytes = Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 5) % 256))
    await workspace.writeFile('a.bin', bytes)
    expectBytes(await workspace.readFile('a.bin'), bytes)
    await workspace.writeFile('text', 'ünï ✓\n')
    expectEqual(await workspace.readText('text'), 'ünï ✓\n', 'The text')
  }),
  requirement('files.empty', 'An empty file is a file.', async (subject, context) => {
    const workspace = await open(subject, context)
    await workspace.writeFile('empty', '')
    expectEqual((await workspace.readFile('empty')).length, 0, 'The length')
    expectEqual((await workspace.stat('empty'))?.type, 'file', 'The type')
  }),
  requirement('files.missing', 'Reading what is not there is fs.not-found; stat gives undefined.', async (subject, context) => {
    const workspace = await open(subject, context)
    await expectCode(workspace.readFile('missing'), 'fs.not-found')
    await expectCode(workspace.list('missing'), 'fs.not-found')
    await expectCode(workspace.readFile('no/such/folder'), 'fs.not-found')
    expectEqual(await workspace.stat('missing'), undefined, 'stat')
  }),
  requirement('files.parents', 'Writing makes the directories above.', async (subject, context) => {
    const workspace = await open(subject, context)
    await workspace.writeFile('a/b/c/d.txt', 'x')
    expectEqual(await workspace.readText('a/b/c/d.txt'), 'x', 'The content')
  }),
  requirement('files.overwrite', 'Writing replaces the content and keeps the mode.', async (subject, context) => {
    const workspace = await open(subject, context)
    await workspace.writeFile('run.sh', 'long content of old', { mode: 0o755 })
    await workspace.writeFile('run.sh', 'new')
    const stat = await workspace.stat('run.sh')
    expectEqual([await workspace.readText('run.sh'), stat?.mode, stat?.size], ['new', 0o755, 3], 'Content, mode and size')
  }),
  requirement('files.mode', 'A new file has mode 0644, or the one that is given.', async (subject, context) => {
    const workspace = await open(subject, context)
    await workspace.writeFile('plain', 'x')
    await workspace.writeFile('private', 'x', { mode: 0o600 })
    expectEqual([(await workspace.stat('plain'))?.mode, (await workspace.stat('private'))?.mode], [0o644, 0o600], 'The modes')
  }),
  requirement('files.large', 'A file of sixteen megabytes streams in and out.', async (subject, context) => {
    const workspace = await open(subject, context)
    await workspace.writeFile('large', pieces(16, 1_048_576))
    const wanted = createHash('sha256')
    for await (const piece of pieces(16, 1_048_576)) wanted.update(piece)
    const actual = createHash('sha256')
    for await (const chunk of workspace.readStream('large')) actual.update(chunk)
    expectEqual(actual.digest('hex'), wanted.digest('hex'), 'The digest')
  }),
  requirement('files.max-bytes', 'readFile refuses more than maxBytes.', async (subject, context) => {
    const workspace = await open(subject, context)
    await workspace.writeFile('big', Buffer.alloc(5000))
    await expectCode(workspace.readFile('big', { maxBytes: 4999 }), 'fs.failed')
    expectEqual((await workspace.readFile('big', { maxBytes: 5000 })).length, 5000, 'The length at the limit')
  }),
  requirement(
    'files.failed-write',
    'A write that fails in the middle leaves the old content, and nothing beside it.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.writeFile('f', 'old')
      const broken = (async function* (): AsyncIterable<Uint8Array> {
        yield Buffer.alloc(100_000)
        throw new RingfenceError('fs.failed', 'The source of the test breaks here')
      })()
      await expectThrown(workspace.writeFile('f', broken), 'The write')
      expectEqual(await workspace.readText('f'), 'old', 'The content')
      expectEqual(
        (await workspace.list('.')).map(({ name }) => name),
        ['f'],
        'What is there',
      )
    },
  ),
  requirement(
    'files.is-directory',
    'Reading a directory is fs.is-directory; writing onto one as well; listing a file is fs.not-directory.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.mkdir('d')
      await workspace.writeFile('f', '')
      await expectCode(workspace.readFile('d'), 'fs.is-directory')
      await expectCode(workspace.writeFile('d', 'x'), 'fs.is-directory')
      await expectCode(workspace.list('f'), 'fs.not-directory')
      await expectCode(workspace.writeFile('f/below', 'x'), 'fs.not-directory')
    },
  ),
  requirement(
    'files.list',
    'A listing tells names, types, sizes and modes of all that is there, hidden ones too.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.exec('mkdir d && printf abc > .hidden && chmod 640 .hidden && ln -s nowhere link && mkfifo fifo')
      const entries = (await workspace.list('.')).map(({ name, type, size, mode }) => ({
        name,
        type,
        ...(type === 'file' ? { size, mode } : {}),
      }))
      expectEqual(
        entries.sort((a, b) => (a.name < b.name ? -1 : 1)),
        [
          { name: '.hidden', type: 'file', size: 3, mode: 0o640 },
          { name: 'd', type: 'directory' },
          { name: 'fifo', type: 'other' },
          { name: 'link', type: 'symlink' },
        ],
        'The entries',
      )
      expectEqual(await workspace.list('d'), [], 'An empty directory')
    },
  ),
  requirement('files.list.many', 'A directory of 3,000 files is listed whole.', async (subject, context) => {
    const workspace = await open(subject, context)
    await workspace.exec('i=0; while [ $i -lt 3000 ]; do : > "f$i"; i=$((i+1)); done')
    expectEqual((await workspace.list('.')).length, 3000, 'The number')
  }),
  requirement('files.stat', 'stat tells of the link itself.', async (subject, context) => {
    const workspace = await open(subject, context)
    await workspace.exec('echo x > f; ln -s f link')
    expectEqual(
      [(await workspace.stat('link'))?.type, (await workspace.stat('f'))?.type, (await workspace.stat('.'))?.type],
      ['symlink', 'file', 'directory'],
      'The types',
    )
  }),
  requirement(
    'files.remove',
    'Removing: a file, an empty directory, a whole one only by name; what is missing only by force.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.writeFile('d/f', 'x')
      await workspace.mkdir('empty')
      await workspace.remove('empty')
      await expectCode(workspace.remove('d'), 'fs.not-empty')
      await workspace.remove('d/f')
      await workspace.writeFile('d/e/f', 'x')
      await workspace.remove('d', { recursive: true })
      await expectCode(workspace.remove('d'), 'fs.not-found')
      await workspace.remove('d', { force: true })
      expectEqual(await workspace.list('.'), [], 'What is left')
    },
  ),
  requirement(
    'files.mkdir',
    'mkdir makes those above, and one that is there is no error; a file in the way is.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.mkdir('a/b')
      await workspace.mkdir('a/b')
      await workspace.writeFile('f', '')
      await expectCode(workspace.mkdir('f'), 'fs.exists')
      expectEqual((await workspace.stat('a/b'))?.type, 'directory', 'The type')
    },
  ),
  requirement('files.rename', 'rename moves, and replaces a file; a missing one is fs.not-found.', async (subject, context) => {
    const workspace = await open(subject, context)
    await workspace.writeFile('a', 'of a')
    await workspace.writeFile('b', 'of b')
    await workspace.rename('a', 'b')
    expectEqual([await workspace.readText('b'), await workspace.stat('a')], ['of a', undefined], 'b and a')
    await expectCode(workspace.rename('missing', 'x'), 'fs.not-found')
  }),
  requirement(
    'files.denied',
    'What the user inside may not read is fs.denied.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.exec('echo x > f; chmod 000 f; mkdir d; chmod 555 d')
      await expectCode(workspace.readFile('f'), 'fs.denied')
      await expectCode(workspace.writeFile('d/new', 'x'), 'fs.denied')
      await workspace.exec('chmod 700 d f')
    },
    nonRootUser,
  ),
  requirement('files.parallel', 'Forty reads and writes at once do not mix.', async (subject, context) => {
    const workspace = await open(subject, context)
    const numbers = Array.from({ length: 20 }, (_, index) => index)
    await Promise.all(numbers.map((n) => workspace.writeFile(`f${n}`, `content ${n}`)))
    expectEqual(
      await Promise.all(numbers.map((n) => workspace.readText(`f${n}`))),
      numbers.map((n) => `content ${n}`),
      'The contents',
    )
  }),
  requirement('files.read-stream', 'A stream that is left early leaves the workspace usable.', async (subject, context) => {
    const workspace = await open(subject, context)
    await workspace.writeFile('large', pieces(8, 1_048_576))
    for await (const _ of workspace.readStream('large')) break
    await workspace.writeFile('small', 'x')
    expectEqual((await collectBytes(workspace.readStream('small'))).length, 1, 'The length')
  }),
]
