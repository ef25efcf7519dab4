import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { isRingfenceError } from '@ringfence/core'
import { expect, test } from 'vitest'
import { applyPatch } from '../src/main-job/apply-patch.ts'
import { git, repository, temporary } from './run-cli.ts'

const newFile = (path: string, line: string, mode = '100644'): string =>
  `diff --git a/${path} b/${path}\nnew file mode ${mode}\nindex 0000000..1111111\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+${line}\n`

async function attempt(patch: string, consent = false): Promise<{ outcome: string; status: string }> {
  await using folder = await temporary()
  const path = await repository(join(folder.path, 'r'), { 'a.txt': 'one\n' })
  await symlink('/tmp', join(path, 'out'))
  git(path, 'add', '-A')
  git(path, 'commit', '-qm', 'link')
  let outcome: string
  try {
    outcome = (await applyPatch({ repository: path, patch, consent })).join()
  } catch (error) {
    outcome = isRingfenceError(error) ? error.code : String(error)
  }
  return { outcome, status: git(path, 'status', '--porcelain').trim() }
}

test('a harmless patch is applied', async () => {
  expect(await attempt(newFile('b/new.txt', 'x'))).toEqual({ outcome: 'b/new.txt', status: '?? b/' })
})

test('an empty patch changes nothing', async () => {
  expect(await attempt('\n')).toEqual({ outcome: '', status: '' })
})

test.each([
  ['a hook', newFile('.git/hooks/x', 'evil', '100755')],
  ['a hook in another spelling', newFile('.GIT/hooks/x', 'evil')],
  ['the git folder of a folder below', newFile('sub/.git/config', 'evil')],
  ['a path that leads out', newFile('../evil', 'x')],
  ['an absolute path', `--- /dev/null\n+++ /tmp/ringfence-evil\n@@ -0,0 +1 @@\n+x\n`],
  ['a path behind a link that leads out', newFile('out/ringfence-evil', 'x')],
  ['a link', newFile('link', '/etc/passwd', '120000')],
  ['a submodule', newFile('module', 'Subproject commit 1111111111111111111111111111111111111111', '160000')],
  ['a change that does not apply', 'diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-two\n+three\n'],
  ['no patch at all', 'hello\nworld\n'],
])('%s is refused, and nothing is changed', async (_, patch) => {
  expect(await attempt(patch)).toEqual({ outcome: 'patch.refused', status: '' })
})

test.each([
  '.envrc',
  '.github/workflows/ci.yml',
  'package.json',
  'sub/package.json',
  '.husky/pre-commit',
  '.vscode/tasks.json',
  '.gitattributes',
])('%s, which tools run by themselves, needs consent', async (path) => {
  expect((await attempt(newFile(path, 'x'))).outcome).toBe('patch.refused')
  expect((await attempt(newFile(path, 'x'), true)).outcome).toBe(path)
})

test('a patch that holds one forbidden file among harmless ones changes nothing', async () => {
  await using folder = await temporary()
  const path = await repository(join(folder.path, 'r'), { 'a.txt': 'one\n' })
  await expect(
    applyPatch({ repository: path, patch: newFile('ok.txt', 'x') + newFile('.git/hooks/x', 'x'), consent: true }),
  ).rejects.toMatchObject({ code: 'patch.refused' })
  expect(git(path, 'status', '--porcelain')).toBe('')
  expect(await readFile(join(path, 'a.txt'), 'utf8')).toBe('one\n')
})
