import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dir, file, localDir, type SnapshotStore, secret } from '@ringfence/core'
import { memorySnapshots, type SnapshotRef } from '@ringfence/workspace'
import { expectCode, expectEqual, expectTrue } from '../assert/assert.ts'
import type { RequirementContext } from '../suite/requirement.ts'
import { open, type ProviderRequirement, requirement } from './subject.ts'
import { ODD_TREE, TREE } from './trees.ts'

async function folder(context: RequirementContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'conformance-'))
  context.defer(() => rm(path, { recursive: true, force: true }))
  return path
}

/** The store with one byte of each blob changed on its way out. */
function corrupting(store: SnapshotStore): SnapshotStore {
  return {
    ...store,
    async *get(digest, options) {
      let changed = false
      for await (const chunk of store.get(digest, options)) {
        const copy = Buffer.from(chunk)
        if (!changed && copy.length > 700) copy[600] = (copy[600] ?? 0) ^ 0xff
        changed ||= copy.length > 700
        yield copy
      }
    },
  }
}

const manifest: readonly ProviderRequirement[] = [
  requirement('manifest.tree', 'Files and folders have the content and the modes that the manifest says.', async (subject, context) => {
    const entries = {
      'a/f': file('text'),
      'run.sh': file('#!/bin/sh\n', { mode: 0o755 }),
      private: file('x', { mode: 0o600 }),
      d: dir({ mode: 0o700 }),
      bin: file(new Uint8Array([0, 255, 10])),
    }
    const workspace = await open(subject, context, { manifest: { entries } })
    const { stdout } = await workspace.exec('stat -c "%n %a %s" a a/f run.sh private bin; stat -c "%n %a" d; od -An -tx1 bin')
    expectEqual(
      stdout.replace(/^a 755 \d+/, 'a 755'),
      'a 755\na/f 644 4\nrun.sh 755 10\nprivate 600 1\nbin 644 3\nd 700\n 00 ff 0a\n',
      'The tree',
    )
  }),
  requirement('manifest.writable', 'What a manifest puts in belongs to the user inside, who may change it.', async (subject, context) => {
    const workspace = await open(subject, context, { manifest: { entries: { 'd/f': file('old') } } })
    const { stdout, exitCode } = await workspace.exec('echo new > d/f && rm d/f && : > d/g && ls d')
    expectEqual([stdout, exitCode], ['g\n', 0], 'What can be done')
  }),
  requirement(
    'manifest.odd-names',
    'Names with spaces, quotes, newlines, leading dashes and non-ASCII letters come out as they are.',
    async (subject, context) => {
      const names = ['a b', "it's", 'two\nlines', '-rf', '*', 'ünï ✓', `${'long'.repeat(40)}.txt`, `${'deep/'.repeat(40)}f`]
      const workspace = await open(subject, context, { manifest: { entries: Object.fromEntries(names.map((name) => [name, file(name)])) } })
      for (const name of names) expectEqual(await workspace.readText(name), name, `The content of ${JSON.stringify(name)}`)
    },
  ),
  requirement('manifest.many-files', '2,000 files come in one archive.', async (subject, context) => {
    const entries = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`d${index % 20}/f${index}`, file(`content ${index}`)]))
    const workspace = await open(subject, context, { manifest: { entries } })
    expectEqual(
      (await workspace.exec('find . -type f | wc -l; cat d7/f1987')).stdout.trim().split(/\s+/),
      ['2000', 'content', '1987'],
      'What is there',
    )
  }),
  requirement(
    'manifest.local-folder',
    'A folder of the machine of the harness comes with its execute bits and inner links; what leads out does not.',
    async (subject, context) => {
      const source = await folder(context)
      await mkdir(join(source, 'sub'))
      await writeFile(join(source, 'sub/run.sh'), '#!/bin/sh\necho ran\n', { mode: 0o755 })
      await symlink('sub/run.sh', join(source, 'link'))
      await symlink('/etc/passwd', join(source, 'leak'))
      const workspace = await open(subject, context, { manifest: { entries: { repo: localDir(source) } } })
      expectEqual((await workspace.exec('./repo/link; ls repo')).stdout, 'ran\nlink\nsub\n', 'What is there')
    },
  ),
  requirement(
    'manifest.refused-early',
    'A missing source, an escaping path and two entries on one path are refused before a sandbox is made.',
    async (subject, context) => {
      let created = 0
      const provider = {
        ...subject.provider,
        create: (...args: Parameters<typeof subject.provider.create>) => {
          created += 1
          return subject.provider.create(...args)
        },
      }
      const watched = { ...subject, provider }
      await expectCode(open(watched, context, { manifest: { entries: { x: localDir('/no/such/folder') } } }), 'source.not-found')
      await expectCode(open(watched, context, { manifest: { entries: { '../x': file('') } } }), 'path.escapes-workspace')
      await expectCode(open(watched, context, { manifest: { entries: { 'a/b': file(''), './a//b': file('') } } }), 'config.invalid')
      await expectCode(open(watched, context, { manifest: { entries: { a: file(''), 'a/b': file('') } } }), 'config.invalid')
      expectEqual(created, 0, 'The sandboxes that were made')
    },
  ),
]

const snapshot: readonly ProviderRequirement[] = [
  requirement(
    'snapshot.round-trip',
    'A snapshot restores into another sandbox with an equal tree: links, execute bits, empty folders, odd and non-UTF-8 names.',
    async (subject, context) => {
      const snapshots = memorySnapshots()
      const first = await open(subject, context, { snapshots })
      await first.exec(ODD_TREE)
      const ref = await first.snapshot()
      const second = await open(subject, context, { snapshots, from: JSON.parse(JSON.stringify(ref)) as SnapshotRef })
      expectEqual((await second.exec(TREE)).stdout, (await first.exec(TREE)).stdout, 'The tree')
      expectTrue((await second.exec(TREE)).stdout.includes('L ./dangling -> nowhere'), 'The tree is not told')
      expectEqual((await second.snapshot()).treeDigest, ref.treeDigest, 'The digest of the tree')
    },
  ),
  requirement(
    'snapshot.three-cycles',
    'What was written before each of three snapshots is there after the third.',
    async (subject, context) => {
      const snapshots = memorySnapshots()
      let from: SnapshotRef | undefined
      for (const cycle of [1, 2, 3]) {
        const workspace = await open(subject, context, { snapshots, from })
        await workspace.writeFile(`f${cycle}`, `${cycle}`)
        from = await workspace.snapshot()
        await workspace.destroy()
      }
      const last = await open(subject, context, { snapshots, from })
      expectEqual((await last.exec('cat f1 f2 f3')).stdout, '123', 'The content')
    },
  ),
  requirement(
    'snapshot.is-of-its-moment',
    'What changes after a snapshot is not in it; the workspace that it was taken of goes on.',
    async (subject, context) => {
      const snapshots = memorySnapshots()
      const workspace = await open(subject, context, { snapshots })
      await workspace.writeFile('f', 'before')
      const from = await workspace.snapshot()
      await workspace.writeFile('f', 'after')
      const restored = await open(subject, context, { snapshots, from })
      expectEqual([await restored.readText('f'), await workspace.readText('f')], ['before', 'after'], 'The contents')
    },
  ),
  requirement(
    'snapshot.corrupt-refused',
    'A snapshot whose bytes were changed is refused, and nothing of it is left.',
    async (subject, context) => {
      const snapshots = memorySnapshots()
      const workspace = await open(subject, context, { snapshots })
      await workspace.exec('head -c 5000 /dev/zero | tr "\\000" x > f')
      const from = await workspace.snapshot()
      await expectCode(open(subject, context, { snapshots: corrupting(snapshots), from }), 'snapshot.corrupt')
      await expectCode(open(subject, context, { snapshots, from: { ...from, treeDigest: '0'.repeat(64) } }), 'snapshot.corrupt')
    },
  ),
  requirement(
    'snapshot.missing-refused',
    'A snapshot that the store does not hold is snapshot.not-found; without a store both directions are refused.',
    async (subject, context) => {
      const snapshots = memorySnapshots()
      const workspace = await open(subject, context, { snapshots })
      const from = await workspace.snapshot()
      await expectCode(open(subject, context, { snapshots: memorySnapshots(), from }), 'snapshot.not-found')
      await expectCode(open(subject, context, { from }), 'config.invalid')
      const without = await open(subject, context)
      await expectCode(without.snapshot(), 'config.invalid')
    },
  ),
  requirement(
    'snapshot.ephemeral-left-out',
    'Ephemeral entries are in no snapshot, and are put anew on a restore.',
    async (subject, context) => {
      const snapshots = memorySnapshots()
      const manifest = { entries: { kept: file('kept'), 'cache/once': file('fresh', { ephemeral: true }) } }
      const workspace = await open(subject, context, { snapshots, manifest })
      await workspace.exec('echo changed > cache/once; echo changed > kept')
      const from = await workspace.snapshot()
      const bare = await open(subject, context, { snapshots, from })
      expectEqual([await bare.stat('cache/once'), await bare.readText('kept')], [undefined, 'changed\n'], 'Without the manifest')
      const filled = await open(subject, context, { snapshots, from, manifest })
      expectEqual([await filled.readText('cache/once'), await filled.readText('kept')], ['fresh', 'changed\n'], 'With the manifest')
    },
  ),
  requirement('snapshot.secrets-left-out', 'A secret that was placed inside is in no snapshot.', async (subject, context) => {
    const snapshots = memorySnapshots()
    const value = 'snapshot-secret-51bd20'
    const policy = { secrets: [{ secret: secret.from('KEY', () => value), sandbox: { file: 'key', acknowledge: 'file:key' } }] }
    const workspace = await open(subject, context, { snapshots, policy })
    const from = await workspace.snapshot()
    const bare = await open(subject, context, { snapshots, from })
    expectEqual(await bare.stat('key'), undefined, 'The file')
  }),
  requirement('snapshot.diff', 'diff() is a git patch of what changed, new files and binary content with it.', async (subject, context) => {
    const workspace = await open(subject, context)
    const { exitCode } = await workspace.exec(
      'command -v git >/dev/null && git init -q r && cd r && echo a > f && git add . && git -c user.name=x -c user.email=x@x commit -qm x && echo b > f && echo n > new',
    )
    if (exitCode !== 0) {
      await expectCode(workspace.diff('.'), 'git.failed')
      return
    }
    const patch = await workspace.diff('r')
    expectTrue(patch.includes('-a\n+b\n') && patch.includes('b/new'), `The patch is ${JSON.stringify(patch)}`)
    await expectCode(workspace.diff('.'), 'git.failed')
  }),
]

export const contentRequirements: readonly ProviderRequirement[] = [...manifest, ...snapshot]
