import { chmod, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { RingfenceError } from '@ringfence/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { filesystem } from '../src/capabilities/index.ts'
import { type Caller, createCaller } from './capabilities-fixture.ts'
import { createLocalWorkspace, type LocalWorkspace } from './capabilities-workspace.ts'

let workspace: LocalWorkspace
let caller: Caller

beforeEach(async () => {
  workspace = await createLocalWorkspace()
  caller = createCaller(filesystem(), workspace)
})

afterEach(async () => {
  await workspace.dispose()
})

const apply = (body: string, by: Caller = caller): Promise<string> => by.text('apply_patch', `*** Begin Patch\n${body}\n*** End Patch\n`)

/** Runs a patch that must be refused, and checks that nothing was written. */
async function refused(body: string, by: Caller = caller): Promise<string> {
  workspace.mutations.length = 0
  const text = await apply(body, by)
  expect(text).toMatch(/^apply_patch failed: /)
  expect(workspace.mutations).toEqual([])
  return text
}

it('adds, changes, moves and deletes in one patch', async () => {
  await workspace.writeFile('b.py', 'x\ny\n', { mode: 0o755 })
  await workspace.writeFile('c.txt', 'old\n')
  await workspace.writeFile('d', 'gone\n')
  const text = await apply(
    '*** Add File: new/a.txt\n+one\n*** Update File: b.py\n*** Move to: lib/b.py\n@@\n x\n-y\n+z\n*** Update File: c.txt\n@@\n-old\n+new\n*** Delete File: d',
  )
  expect(text).toBe('Success. Updated the following files:\nA new/a.txt\nM lib/b.py (was b.py)\nM c.txt\nD d\n')
  expect(await workspace.readText('new/a.txt')).toBe('one\n')
  expect(await workspace.readText('lib/b.py')).toBe('x\nz\n')
  expect((await workspace.stat('lib/b.py'))?.mode).toBe(0o755)
  expect(await workspace.readText('c.txt')).toBe('new\n')
  expect(await workspace.stat('b.py')).toBeUndefined()
  expect(await workspace.stat('d')).toBeUndefined()
})

it('keeps the mode of a file and works in the cwd of the agent', async () => {
  await workspace.writeFile('repo/run.sh', 'a\n')
  await chmod(join(workspace.root, 'repo/run.sh'), 0o750)
  const inRepo = createCaller(filesystem(), workspace, { cwd: 'repo' })
  expect(await apply('*** Update File: run.sh\n@@\n-a\n+b', inRepo)).toContain('M repo/run.sh')
  expect((await workspace.stat('repo/run.sh'))?.mode).toBe(0o750)
  expect(await apply(`*** Update File: ${workspace.root}/repo/run.sh\n@@\n-b\n+c`, inRepo)).toContain('Success')
  expect(await workspace.readText('repo/run.sh')).toBe('c\n')
})

it('moves without a change, also a binary file', async () => {
  const bytes = Buffer.from([0, 255, 254])
  await workspace.writeFile('x.bin', bytes)
  expect(await apply('*** Update File: x.bin\n*** Move to: y.bin')).toContain('M y.bin (was x.bin)')
  expect(Buffer.from(await workspace.readFile('y.bin'))).toEqual(bytes)
  expect(await workspace.stat('x.bin')).toBeUndefined()
})

it('lets later operations see earlier ones', async () => {
  await workspace.writeFile('a', '1\n2\n')
  expect(await apply('*** Update File: a\n@@\n-1\n+one\n*** Update File: a\n@@\n one\n-2\n+two')).toContain('Success')
  expect(await workspace.readText('a')).toBe('one\ntwo\n')
  expect(await apply('*** Delete File: a\n*** Add File: a\n+new')).toContain('Success')
  expect(await workspace.readText('a')).toBe('new\n')
})

it('writes nothing when any part does not fit', async () => {
  await workspace.writeFile('a', '1\n')
  await workspace.writeFile('b', '1\n')
  await workspace.writeFile('bin', Buffer.from([0x61, 0xff, 0x0a]))
  await workspace.writeFile('big', Buffer.alloc(10 * 1024 * 1024 + 1, 0x61))
  await workspace.mkdir('dir')
  await symlink('a', join(workspace.root, 'link'))
  await symlink('/etc', join(workspace.root, 'out'))
  expect(await refused('*** Update File: a\n@@\n-1\n+2\n*** Update File: b\n@@\n-9\n+2')).toContain('"b" cannot be changed. Change 1')
  expect(await refused('*** Add File: a\n+x')).toContain('"a" cannot be added, because it exists.')
  expect(await refused('*** Update File: a\n*** Move to: b\n@@\n-1\n+2')).toContain('"a" cannot be moved to "b", because that exists')
  expect(await refused('*** Update File: no/file\n@@\n-1\n+2')).toContain('"no/file" does not exist')
  expect(await refused('*** Delete File: nope')).toContain('"nope" does not exist')
  expect(await refused('*** Update File: bin\n@@\n-a\n+b')).toContain('"bin" is not UTF-8 text')
  expect(await refused('*** Update File: big\n@@\n-a\n+b')).toContain('"big" has 10485761 bytes')
  expect(await refused('*** Delete File: dir')).toContain('"dir" is a directory')
  expect(await refused('*** Update File: link\n@@\n-1\n+2')).toContain('"link" is a link')
  expect(await refused('*** Update File: ../x\n@@\n-1\n+2')).toContain('leads out of the workspace')
  expect(await refused('*** Add File: /etc/x\n+1')).toContain('leads out of the workspace')
  expect(await refused('*** Update File: out/passwd\n@@\n-1\n+2')).toContain('leads out of the workspace')
  expect(await refused('*** Add File: out/x\n+1')).toContain('leads out of the workspace')
  expect(await workspace.readText('a')).toBe('1\n')
})

it('puts back what was written when a later write fails', async () => {
  await workspace.writeFile('a', '1\n')
  await workspace.writeFile('b', '1\n')
  await workspace.writeFile('c', '1\n')
  const patch = '*** Add File: n\n+x\n*** Update File: a\n@@\n-1\n+2\n*** Update File: b\n@@\n-1\n+2\n*** Delete File: c'
  for (const path of ['b', 'c']) {
    workspace.failOn(path, new RingfenceError('fs.no-space', 'The disk is full', { effect: 'none', hint: 'Remove something.' }))
    expect(await apply(patch)).toBe(
      'apply_patch failed: The disk is full. What was written before has been put back: nothing was changed. Remove something.',
    )
    expect(await workspace.stat('n')).toBeUndefined()
    for (const kept of ['a', 'b', 'c']) expect(await workspace.readText(kept)).toBe('1\n')
  }
  expect(await apply(patch)).toContain('Success')
})

it('names the files that could not be put back', async () => {
  await workspace.writeFile('a', '1\n')
  await workspace.writeFile('b', '1\n')
  const full = new RingfenceError('fs.no-space', 'The disk is full')
  const broken: LocalWorkspace = {
    ...workspace,
    async writeFile(path, data, options) {
      if (path === 'b' || data.toString() === '1\n') throw full
      await workspace.writeFile(path, data, options)
    },
  }
  const by = createCaller(filesystem(), broken)
  expect(await apply('*** Update File: a\n@@\n-1\n+2\n*** Update File: b\n@@\n-1\n+2', by)).toMatch(
    /^apply_patch failed: The disk is full\. These files could not be put back, look at them: ("a", "b"|"b", "a")\.$/,
  )
})

it('puts everything back when the call is aborted, and rejects with the reason', async () => {
  const controller = new AbortController()
  const reason = new Error('no more')
  const aborting: LocalWorkspace = {
    ...workspace,
    async writeFile(path, data, options) {
      await workspace.writeFile(path, data, options)
      controller.abort(reason)
    },
  }
  const files = Array.from({ length: 20 }, (_, index) => `*** Add File: f${index}\n+x`).join('\n')
  const by = createCaller(filesystem(), aborting)
  await expect(by.text('apply_patch', `*** Begin Patch\n${files}\n*** End Patch`, { signal: controller.signal })).rejects.toBe(reason)
  expect(await workspace.list('.')).toEqual([])
})

it('throws when the sandbox is gone', async () => {
  const gone = new RingfenceError('sandbox.gone', 'It is gone')
  const by = createCaller(filesystem(), { ...workspace, stat: () => Promise.reject(gone) })
  await expect(apply('*** Add File: a\n+x', by)).rejects.toBe(gone)
})
