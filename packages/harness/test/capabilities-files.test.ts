import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toPosixPattern } from '../src/capabilities/files/posix-pattern.ts'
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

describe('view_image', () => {
  const images: [string, string, Buffer][] = [
    ['a.png', 'image/png', Buffer.from('\x89PNG\r\n\x1a\nrest', 'latin1')],
    ['no-extension', 'image/jpeg', Buffer.from('\xff\xd8\xff\xe0rest', 'latin1')],
    ['c.gif', 'image/gif', Buffer.from('GIF89arest', 'latin1')],
    ['d.webp', 'image/webp', Buffer.from('RIFF\x10\0\0\0WEBPVP8 ', 'latin1')],
    ['e.bmp', 'image/bmp', Buffer.from('BM\x46\0\0\0\0\0\0\0\x36', 'latin1')],
  ]

  it.each(images)('shows %s as %s', async (path, mediaType, bytes) => {
    await workspace.writeFile(path, bytes)
    expect(await caller.call('view_image', { path })).toEqual([
      { type: 'text', text: `${path} (${mediaType}, ${bytes.length} bytes)` },
      { type: 'image', mediaType, data: bytes.toString('base64') },
    ])
  })

  it('says what cannot be shown', async () => {
    await workspace.writeFile('text.png', 'BMW is a text')
    await workspace.writeFile('empty.png', '')
    await workspace.mkdir('dir')
    await workspace.writeFile('large.png', Buffer.alloc(10 * 1024 * 1024 + 1))
    await symlink('/etc', join(workspace.root, 'out'))
    const view = (path: string): Promise<string> => caller.text('view_image', { path })
    expect(await view('text.png')).toBe('view_image failed: "text.png" is not a PNG, JPEG, GIF, WebP or BMP image.')
    expect(await view('empty.png')).toContain('is not a PNG')
    expect(await view('dir')).toBe('view_image failed: "dir" is not a file.')
    expect(await view('large.png')).toBe('view_image failed: "large.png" has 10485761 bytes; at most 10485760 are shown.')
    expect(await view('nope.png')).toBe('view_image failed: there is no file "nope.png".')
    expect(await view('../x.png')).toContain('leads out of the workspace')
    expect(await view('out/passwd')).toContain('leads out of the workspace')
    const reads: string[] = []
    const watched: LocalWorkspace = {
      ...workspace,
      readFile(path, options) {
        reads.push(path)
        return workspace.readFile(path, options)
      },
    }
    await createCaller(filesystem(), watched).text('view_image', { path: 'large.png' })
    expect(reads).toEqual([])
  })
})

describe('read_file', () => {
  const read = (args: object): Promise<string> => caller.text('read_file', args)

  it('numbers lines, from an offset, up to a limit', async () => {
    await workspace.writeFile('f', 'one\r\ntwo\n\nfoür')
    expect(await read({ path: 'f' })).toBe('L1: one\nL2: two\nL3: \nL4: foür')
    expect(await read({ path: 'f', offset: 2, limit: 2 })).toBe('L2: two\nL3: \n(more lines follow; go on with offset=4)')
    expect(await read({ path: 'f', offset: 3, limit: 2 })).toBe('L3: \nL4: foür')
    expect(await read({ path: 'f', offset: 9 })).toBe('read_file failed: "f" has 4 lines; offset 9 is behind its end.')
  })

  it('is bounded in lines and in characters', async () => {
    await workspace.writeFile('long', `${'x'.repeat(1_000_000)}\nend\n`)
    expect(await read({ path: 'long' })).toBe(`L1: ${'x'.repeat(2000)}… (998000 more characters)\nL2: end`)
    await workspace.writeFile('many', 'line\n'.repeat(5000))
    expect(await read({ path: 'many' })).toMatch(/\nL2000: line\n\(more lines follow; go on with offset=2001\)$/)
    await workspace.writeFile('wide', `${'y'.repeat(1999)}\n`.repeat(100))
    const text = await read({ path: 'wide', limit: 100 })
    expect(text.length).toBeLessThan(41_000)
    expect(text).toMatch(/go on with offset=20\)$/)
  })

  it('says what cannot be read', async () => {
    await workspace.writeFile('bin', Buffer.from([0x61, 0, 0x62]))
    await workspace.writeFile('empty', '')
    expect(await read({ path: 'bin' })).toBe('read_file failed: "bin" is a binary file.')
    expect(await read({ path: 'empty' })).toBe('(the file is empty)')
    expect(await read({ path: 'nope' })).toMatch(/^read_file failed: "nope"/)
    expect(await read({ path: '/etc/passwd' })).toMatch(/^read_file failed: .*leads out/)
  })
})

describe('list_dir', () => {
  it('shows a tree, with marks, without the inside of .git and node_modules', async () => {
    await workspace.writeFile('src/lib/a.ts', '')
    await workspace.writeFile('src/b.ts', '')
    await workspace.writeFile('node_modules/x/y', '')
    await workspace.writeFile('README.md', '')
    await symlink('README.md', join(workspace.root, 'link'))
    expect(await caller.text('list_dir', {})).toBe('README.md\nlink@\nnode_modules/\nsrc/')
    expect(await caller.text('list_dir', { path: '.', depth: 3 })).toBe('README.md\nlink@\nnode_modules/\nsrc/\n  b.ts\n  lib/\n    a.ts')
    expect(await caller.text('list_dir', { path: 'src', depth: 1 })).toBe('b.ts\nlib/')
    expect(await caller.text('list_dir', { path: 'src/lib', depth: 2 })).toBe('a.ts')
    expect(await caller.text('list_dir', { path: 'nope' })).toMatch(/^list_dir failed: "nope"/)
  })

  it('is bounded', async () => {
    await Promise.all(Array.from({ length: 510 }, (_, index) => workspace.writeFile(`d/f${index}`, '')))
    const lines = (await caller.text('list_dir', { path: 'd', depth: 2 })).split('\n')
    expect(lines.length).toBe(501)
    expect(lines.at(-1)).toBe('(more than 500 entries; list a directory below, or with less depth)')
    await workspace.mkdir('empty')
    expect(await caller.text('list_dir', { path: 'empty' })).toBe('(the directory is empty)')
  })
})

describe('grep_files', () => {
  const grep = async (args: object, by: Caller = caller): Promise<string[]> => (await by.text('grep_files', args)).split('\n').sort()

  beforeEach(async () => {
    await workspace.writeFile('src/a.ts', 'const one = 1\nconst two = "äö"\n')
    await workspace.writeFile('src/b.tsx', 'const one = 11\n')
    await workspace.writeFile('src/c d.py', 'ONE = 1\n')
    await workspace.writeFile('node_modules/x.ts', 'const one = 1\n')
    await workspace.writeFile('bin', Buffer.from('const one = 1\0\n'))
  })

  it('finds lines by a pattern, a path and names', async () => {
    expect(await grep({ pattern: 'const one' })).toEqual(['src/a.ts:1:const one = 1', 'src/b.tsx:1:const one = 11'])
    expect(await grep({ pattern: '(?i)^one\\s=\\s\\d$' })).toEqual(['src/c d.py:1:ONE = 1'])
    expect(await grep({ pattern: '= \\d{2}' })).toEqual(['src/b.tsx:1:const one = 11'])
    expect(await grep({ pattern: 'one', include: '*.ts' })).toEqual(['src/a.ts:1:const one = 1'])
    expect(await grep({ pattern: 'one', include: '*.{ts,tsx}' })).toHaveLength(2)
    expect(await grep({ pattern: 'one', include: 'src/*.ts' })).toEqual(['src/a.ts:1:const one = 1'])
    expect(await grep({ pattern: 'one', path: 'src/b.tsx' })).toEqual(['src/b.tsx:1:const one = 11'])
    expect(await grep({ pattern: 'two' }, createCaller(filesystem(), workspace, { cwd: 'src' }, 50))).toEqual(['a.ts:2:const two = "äö"'])
    expect(await grep({ pattern: 'ONE', path: '..' }, createCaller(filesystem(), workspace, { cwd: 'src' }, 60))).toEqual([
      '../src/c d.py:1:ONE = 1',
    ])
  })

  it('interprets nothing of its arguments', async () => {
    await workspace.writeFile('e', '-rf $(touch x) `touch y`\n')
    expect(await grep({ pattern: '-rf \\$\\(touch' })).toEqual(['e:1:-rf $(touch x) `touch y`'])
    expect(await grep({ pattern: '$(touch z)', path: '$(touch z)', include: '$(touch z);-delete' })).toHaveLength(1)
    expect(await workspace.stat('z')).toBeUndefined()
  })

  it('is bounded, and says when nothing is found', async () => {
    await workspace.writeFile('many', 'hit\n'.repeat(1000))
    const lines = (await caller.text('grep_files', { pattern: 'hit' })).split('\n')
    expect(lines.length).toBe(201)
    expect(lines.at(-1)).toBe('(more matches; narrow the pattern, the path or include)')
    await workspace.writeFile('wide', `hit${'x'.repeat(100_000)}\n`)
    expect((await caller.text('grep_files', { pattern: 'hit', path: 'wide' })).length).toBe(501)
    expect(await caller.text('grep_files', { pattern: 'absent' })).toBe('No matches found.')
    expect(await caller.text('grep_files', { pattern: '(' })).toMatch(/^No matches found; grep: /)
    expect(await caller.text('grep_files', { pattern: 'x', path: 'nope' })).toMatch(/^No matches found; find: .*nope/)
    expect(await caller.text('grep_files', { pattern: 'x', path: '../..' })).toMatch(/^grep_files failed: .*leads out/)
  })

  it.each<[string, string]>([
    ['\\d+', '[0-9]+'],
    ['\\W', '[^[:alnum:]_]'],
    ['[\\w.-]+', '[[:alnum:]_.-]+'],
    ['[^\\]\\s]', '[^][:space:]]'],
    ['[]a]', '[]a]'],
    ['[\\-a]', '[a-]'],
    ['[\\^]', '\\^'],
    ['[[:alpha:]_]', '[[:alpha:]_]'],
    ['(?:a|b)', '(a|b)'],
    ['a\\/b', 'a/b'],
    ['\\bfoo\\b', '\\bfoo\\b'],
    ['\\(x\\)', '\\(x\\)'],
    ['[abc', '[abc'],
    ['\\"', '"'],
  ])('writes %s as %s', (source, pattern) => {
    expect(toPosixPattern(source).pattern).toBe(pattern)
  })
})

it('names its tools and tells how they are used', () => {
  const binding = { agent: 'a', cwd: '', hasPty: true }
  const tools = filesystem({ needsApproval: true }).tools?.(binding) ?? []
  expect(tools.map(({ name }) => name)).toEqual(['apply_patch', 'view_image', 'read_file', 'list_dir', 'grep_files'])
  expect(tools.filter(({ needsApproval }) => needsApproval).map(({ name }) => name)).toEqual(['apply_patch'])
  expect(filesystem().instructions?.(binding)).toContain('apply_patch')
})
