import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRingfenceError } from '@ringfence/core'
import { describe, expect, it } from 'vitest'
import {
  compareTrees,
  type MemberType,
  type PackMember,
  packMember,
  type ReadArchiveOptions,
  readArchive,
  type TreeEntry,
  treeBuilder,
  treeDigestOf,
  writeArchive,
} from '../src/archive/index.ts'

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}

interface Read {
  path: string
  type: MemberType
  mode: number
  size: number
  target: string
  content: string
  modifiedAt: number
}

async function readAll(bytes: Uint8Array, options: ReadArchiveOptions = {}, chunk = 10_000): Promise<Read[]> {
  const members: Read[] = []
  for await (const { path, type, mode, size, target, content, modifiedAt } of readArchive(inChunks(bytes, chunk), options))
    members.push({
      path: path.toString('latin1'),
      type,
      mode,
      size,
      modifiedAt,
      target: target.toString('latin1'),
      content: (await collect(content)).toString('latin1'),
    })
  return members
}

const fileOf = (path: string | Buffer, content: string): PackMember =>
  packMember(path, 'file', { size: content.length, content: Buffer.from(content, 'latin1') })

interface Raw {
  name?: string
  flag?: string
  size?: number
  content?: Buffer | string
  link?: string
  magic?: string
  prefix?: string
  patch?: (block: Buffer) => void
}

/** A header as an attacker writes it, with a right checksum. */
function raw({ name = 'x', flag = '0', content = '', size, link = '', magic = 'ustar\u000000', prefix = '', patch }: Raw): Buffer {
  const body = Buffer.from(content)
  const block = Buffer.alloc(512)
  block.write(name, 0, 100, 'latin1')
  block.write('0000644\0', 100)
  block.write(`${(size ?? body.length).toString(8).padStart(11, '0')}\0`, 124)
  block.write('00000000000\0', 136)
  block.write(flag, 156, 'latin1')
  block.write(link, 157, 100, 'latin1')
  block.write(magic, 257, 'latin1')
  block.write(prefix, 345, 'latin1')
  patch?.(block)
  fix(block)
  return Buffer.concat([block, body, Buffer.alloc((512 - (body.length % 512)) % 512)])
}

function fix(block: Buffer): void {
  block.fill(' ', 148, 156)
  let sum = 0
  for (const byte of block.subarray(0, 512)) sum += byte
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
}

const END = Buffer.alloc(1024)
const record = (key: string, value: string): string => {
  let length = key.length + Buffer.byteLength(value) + 3
  while (String(length).length + key.length + Buffer.byteLength(value) + 3 !== length)
    length = String(length).length + key.length + Buffer.byteLength(value) + 3
  return `${length} ${key}=${value}\n`
}
const pax = (...records: string[]): Buffer => raw({ name: 'pax', flag: 'x', content: records.join('') })

describe('writing and reading', () => {
  const odd = Buffer.from('odd\xff\x81\n"\' *?[\\/\xfe', 'latin1')
  const members = (): PackMember[] => [
    packMember('dir', 'directory', { mode: 0o755, modifiedAt: 1234 }),
    packMember('dir/empty', 'directory', { mode: 0o500 }),
    fileOf('dir/file', 'content'),
    fileOf('dir/none', ''),
    fileOf(odd, 'odd'),
    packMember('link', 'symlink', { mode: 0o777, target: Buffer.from('../some where/\xff', 'latin1') }),
    packMember('hard', 'hardlink', { target: Buffer.from('dir/file') }),
    fileOf(`${'l'.repeat(200)}/${'n'.repeat(250)}`, 'long'),
    packMember('longlink', 'symlink', { mode: 0o777, target: Buffer.from('t/'.repeat(300)) }),
    packMember('big', 'file', { mode: 0o755, size: 300_000, content: inChunks(Buffer.alloc(300_000, 'x'), 70_000) }),
  ]

  it.each([1, 7, 511, 512, 513, 100_000])('is the same in chunks of %d', async (chunk) => {
    const bytes = await collect(writeArchive(members()))
    expect(bytes.length % 512).toBe(0)
    const back = await readAll(bytes, {}, chunk)
    expect(back.map(({ path, type }) => [path, type])).toEqual(members().map(({ path, type }) => [path.toString('latin1'), type]))
    expect(back.map(({ content }) => content.length)).toEqual([0, 0, 7, 0, 3, 0, 0, 4, 0, 300_000])
    expect(back[0]).toMatchObject({ mode: 0o755, modifiedAt: 1234 })
    expect(back[5]?.target).toBe('../some where/\xff')
    expect(back[8]?.target).toBe('t/'.repeat(300))
  })

  it('is understood by GNU tar and busybox, and they by it', async () => {
    const bytes = await collect(writeArchive(members()))
    for (const [program, ...prefix] of [['tar'], ['/bin/busybox', 'tar']]) {
      if (!program) continue
      const folder = mkdtempSync(join(tmpdir(), 'rf-tar-'))
      try {
        execFileSync(program, [...prefix, '-xopf', '-', '-C', folder], { input: bytes })
        const again = execFileSync(program, [...prefix, '-cf', '-', '-C', folder, '.'], { maxBuffer: 1 << 26 })
        const tree = treeBuilder()
        for await (const member of readArchive(inChunks(again, 65_536))) if (member.path.length > 0) await tree.absorb(member)
        const expected = treeBuilder()
        for await (const member of readArchive(inChunks(bytes, 65_536))) await expected.absorb(member)
        // Directories that no member named.
        const actual = treeDigestOf(tree.finish().entries.filter(({ path }) => !/^(odd.*\\|l+)$/s.test(path)))
        expect(compareTrees(expected.finish(), actual).differences).toEqual([])
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }
  })

  it('writes sizes that have too many octal digits in the binary form', async () => {
    const iterator = writeArchive([packMember('huge', 'file', { size: 9 * 2 ** 30, content: inChunks(Buffer.alloc(200_000), 100_000) })])
    const head = Buffer.from((await iterator.next()).value ?? [])
    await iterator.return(undefined)
    const reader = readArchive(inChunks(head, 512))
    const { value } = await reader.next()
    expect(value?.size).toBe(9 * 2 ** 30)
    await reader.return(undefined)
  })

  it('refuses content that does not have its length', async () => {
    for (const size of [2, 4])
      await expect(collect(writeArchive([{ ...fileOf('a', 'abc'), size }]))).rejects.toMatchObject({ code: 'archive.invalid' })
  })

  it('skips what is not read of a member', async () => {
    const bytes = await collect(writeArchive(members()))
    const paths: string[] = []
    for await (const { path } of readArchive(inChunks(bytes, 1000))) paths.push(path.toString('latin1'))
    expect(paths).toHaveLength(10)
  })

  it('reads POSIX extended headers and prefixes', async () => {
    const bytes = Buffer.concat([
      pax(record('path', 'long/ü'), record('mtime', '12.5'), record('comment', 'x'), record('SCHILY.xattr.user.a', 'x\0y')),
      raw({ name: 'short', content: 'abc' }),
      raw({ name: 'name', prefix: 'pre/fix' }),
      pax(record('linkpath', 'to')),
      raw({ name: 'l', flag: '2', link: 'other' }),
      END,
    ])
    const [a, b, c] = await readAll(bytes)
    expect(a).toMatchObject({ path: Buffer.from('long/ü').toString('latin1'), modifiedAt: 12, content: 'abc' })
    expect(b?.path).toBe('pre/fix/name')
    expect(c?.target).toBe('to')
  })

  it('takes several archives in a row when asked to', async () => {
    const two = Buffer.concat([
      raw({ name: './', flag: '5' }),
      raw({ name: './a' }),
      END,
      END,
      raw({ name: './', flag: '5' }),
      raw({ name: 'b' }),
      END,
    ])
    expect((await readAll(two, { concatenated: true })).map(({ path }) => path)).toEqual(['', 'a', '', 'b'])
    await expect(readAll(two)).rejects.toMatchObject({ code: 'archive.invalid' })
  })
})

describe('hostile archives', () => {
  const cases: Record<string, Buffer[]> = {
    absolute: [raw({ name: '/etc/passwd' })],
    'parent first': [raw({ name: '../x' })],
    'parent within': [raw({ name: 'a/../b' })],
    'parent at the end': [raw({ name: 'a/..', flag: '5' })],
    'parent by prefix': [raw({ name: 'x', prefix: '..' })],
    'parent in an extended header': [pax(record('path', '../x')), raw({})],
    'parent in a long name': [raw({ flag: 'L', content: '../x\0', name: '././@LongLink', magic: 'ustar  \0' }), raw({})],
    'dot within': [raw({ name: 'a/./b' })],
    'double slash': [raw({ name: 'a//b' })],
    'file with a slash': [raw({ name: 'a/' })],
    'empty name': [raw({ name: '' })],
    'root as a file': [raw({ name: './' })],
    'bytes behind a NUL': [raw({ patch: (block) => block.write('a\0b', 0) })],
    'NUL in an extended path': [pax(record('path', 'a\0b')), raw({})],
    'NUL in a long name': [raw({ flag: 'L', content: 'a\0b\0' }), raw({})],
    'part over 255 bytes': [pax(record('path', 'n'.repeat(256))), raw({})],
    'path over 4096 bytes': [pax(record('path', 'n/'.repeat(3000))), raw({})],
    twice: [raw({ name: 'a' }), raw({ name: 'a' })],
    'twice in two forms': [raw({ name: 'a' }), raw({ name: './a' })],
    'directory twice': [raw({ name: 'a/', flag: '5' }), raw({ name: 'a/', flag: '5' })],
    'below a file': [raw({ name: 'a' }), raw({ name: 'a/b' })],
    'below a link': [raw({ name: 'a', flag: '2', link: '/etc' }), raw({ name: 'a/b' })],
    'far below a link': [raw({ name: 'a', flag: '2', link: '/etc' }), raw({ name: 'a/b/c/d' })],
    'link over implied': [raw({ name: 'a/b' }), raw({ name: 'a', flag: '2', link: '/etc' })],
    'hard link out': [raw({ name: 'a', flag: '1', link: '../../etc/passwd' })],
    'hard link absolute': [raw({ name: 'a', flag: '1', link: '/etc/passwd' })],
    'hard link to nothing': [raw({ name: 'a', flag: '1', link: 'b' })],
    'hard link to itself': [raw({ name: 'a', flag: '1', link: 'a' })],
    'hard link to a link': [raw({ name: 's', flag: '2', link: '/etc/passwd' }), raw({ name: 'a', flag: '1', link: 's' })],
    'hard link to a directory': [raw({ name: 'd/', flag: '5' }), raw({ name: 'a', flag: '1', link: 'd' })],
    'hard link with content': [raw({ name: 'b' }), raw({ name: 'a', flag: '1', link: 'b', content: 'x' })],
    'link to nowhere': [raw({ flag: '2' })],
    'directory with content': [raw({ name: 'd/', flag: '5', content: 'x' })],
    'character device': [raw({ flag: '3' })],
    'block device': [raw({ flag: '4' })],
    FIFO: [raw({ flag: '6' })],
    contiguous: [raw({ flag: '7' })],
    sparse: [raw({ flag: 'S', magic: 'ustar  \0' })],
    'sparse by records': [pax(record('GNU.sparse.major', '1')), raw({})],
    'multi volume': [raw({ flag: 'M' })],
    'volume label': [raw({ flag: 'V' })],
    'global header': [raw({ flag: 'g', content: record('path', 'x') }), raw({})],
    'unknown type': [raw({ flag: 'Z' })],
    'no magic': [raw({ magic: '' })],
    'wrong checksum': [Buffer.concat([raw({})]).fill('y', 0, 1)],
    'negative size': [raw({ patch: (block) => block.fill(0xff, 124, 136) })],
    'size with a high bit': [raw({ patch: (block) => block.writeUInt8(0xa5, 124) })],
    'size over 2^53': [raw({ patch: (block) => block.fill(0x7f, 125, 136).writeUInt8(0x80, 124) })],
    'size that is no number': [raw({ patch: (block) => block.write('12x', 124) })],
    'record without length': [raw({ flag: 'x', content: 'path=x\n' }), raw({})],
    'record too long': [raw({ flag: 'x', content: '99 path=x\n' }), raw({})],
    'record too short': [raw({ flag: 'x', content: '5 path=x\n' }), raw({})],
    'record of length 0': [raw({ flag: 'x', content: '0 a=b\n' }), raw({})],
    'record without key': [raw({ flag: 'x', content: '5 =x\n' }), raw({})],
    'negative record size': [pax(record('size', '-1')), raw({})],
    'fractional record size': [pax(record('size', '1.5')), raw({ content: 'x' })],
    'two paths': [pax(record('path', 'a'), record('path', 'b')), raw({})],
    'two headers of a path': [pax(record('path', 'a')), raw({ flag: 'L', content: 'b\0' }), raw({})],
    'huge extended header': [raw({ flag: 'x', size: 10 * 2 ** 20 }), Buffer.alloc(1 << 16)],
    'huge long name': [raw({ flag: 'L', size: 2 ** 32 }), Buffer.alloc(1 << 16)],
    'empty long name': [raw({ flag: 'L', content: '\0' }), raw({})],
    'header of no member': [pax(record('path', 'a'))],
    'member behind the end': [raw({}), END, raw({ name: 'b' })],
    'rubbish behind the end': [raw({}), END, Buffer.from('rubbish'.padEnd(512))],
    'long target': [raw({ flag: 'K', content: `${'t'.repeat(4096)}` }), raw({ flag: '2', link: 'x' })],
  }

  it.each(Object.entries(cases))('refuses: %s', async (_, blocks) => {
    await expect(readAll(Buffer.concat([...blocks, END]))).rejects.toMatchObject({ code: 'archive.invalid', effect: 'none' })
  })

  it('refuses every cut', async () => {
    const whole = Buffer.concat([raw({ name: 'a', content: 'abc' }), pax(record('path', 'b')), raw({ content: 'x'.repeat(600) })])
    for (let end = 1; end <= whole.length; end++)
      await expect(readAll(whole.subarray(0, end))).rejects.toMatchObject({ code: 'archive.invalid' })
    await expect(readAll(Buffer.alloc(0))).rejects.toMatchObject({ code: 'archive.invalid' })
    expect(await readAll(Buffer.concat([whole, END]))).toHaveLength(2)
  })

  it('keeps to its budgets', async () => {
    const bytes = Buffer.concat([raw({ name: 'a', content: 'x'.repeat(5000) }), raw({ name: 'b' }), END])
    await expect(readAll(bytes, { limits: { maxBytes: 4000 } }, 512)).rejects.toMatchObject({ code: 'archive.limit' })
    await expect(readAll(bytes, { limits: { maxMembers: 1 } })).rejects.toMatchObject({ code: 'archive.limit' })
    expect(await readAll(bytes, { limits: { maxMembers: 2, maxBytes: bytes.length } })).toHaveLength(2)
  })

  it('ends a source that is silent, and one that is aborted', async () => {
    async function* silent(): AsyncGenerator<Uint8Array> {
      yield raw({ name: 'a', content: 'abc' })
      await new Promise(() => undefined)
    }
    const read = async (options: ReadArchiveOptions): Promise<void> => {
      for await (const member of readArchive(silent(), options)) await collect(member.content)
    }
    await expect(read({ limits: { stallMs: 20 } })).rejects.toMatchObject({
      code: 'archive.invalid',
      message: expect.stringContaining('silent'),
    })
    const stop = new AbortController()
    const reason = new Error('stop')
    const reading = read({ signal: stop.signal })
    setImmediate(() => stop.abort(reason))
    await expect(reading).rejects.toBe(reason)
  })

  it('ends its source when the reader stops', async () => {
    let returned = false
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (let i = 0; ; i++) yield raw({ name: `f${i}` })
      } finally {
        returned = true
      }
    }
    for await (const _ of readArchive(source())) break
    expect(returned).toBe(true)
  })

  it('answers every one of 20,000 mutants with members or a typed error', async () => {
    const base = Buffer.concat([
      raw({ name: 'dir/', flag: '5' }),
      raw({ name: 'dir/a', content: 'abc' }),
      pax(record('path', 'dir/long')),
      raw({ content: 'def' }),
      raw({ name: 'l', flag: '2', link: 'dir/a' }),
      raw({ name: 'h', flag: '1', link: 'dir/a' }),
      END,
    ])
    const headers = [0, 512, 1536, 2560, 3584, 4096]
    let seed = 42
    const next = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      return Math.floor((seed / 2 ** 32) * below)
    }
    let refused = 0
    for (let run = 0; run < 20_000; run++) {
      const mutant = Buffer.from(base)
      const at = headers[next(headers.length)] ?? 0
      for (let change = 0; change <= next(3); change++) mutant[at + next(512)] = next(256)
      fix(mutant.subarray(at, at + 512))
      try {
        for (const { path } of await readAll(mutant)) expect(path.startsWith('/') || path.split('/').includes('..')).toBe(false)
      } catch (error) {
        if (!isRingfenceError(error, 'archive.invalid')) throw error
        refused++
      }
    }
    expect(refused).toBeGreaterThan(5000)
  })
})

describe('tree digests', () => {
  const entry = (path: string, rest: Partial<TreeEntry> = {}): TreeEntry => ({
    path,
    type: 'file',
    mode: 0o644,
    size: 1,
    sha256: 'a'.repeat(64),
    target: '',
    ...rest,
  })

  it('has the documented form', () => {
    const empty = treeDigestOf([])
    expect(empty.digest).toBe(execFileSync('sha256sum', { input: 'ringfence-tree-1\n' }).toString().slice(0, 64))
    const one = treeDigestOf([entry('b\xff'), entry('a', { type: 'symlink', mode: 0, size: 0, sha256: '', target: 't' })])
    const text = Buffer.from(`ringfence-tree-1\nl 0 0 - 1 a 1 t\nf 644 1 ${'a'.repeat(64)} 2 b\xff 0 \n`, 'latin1')
    expect(one.digest).toBe(execFileSync('sha256sum', { input: text }).toString().slice(0, 64))
  })

  it('does not depend on the order, and on nothing but the tree', async () => {
    const digest = async (members: PackMember[]): Promise<string> => {
      const tree = treeBuilder()
      for await (const member of readArchive(writeArchive(members))) await tree.absorb(member)
      return tree.finish().digest
    }
    const one = await digest([fileOf('a', 'x'), fileOf('b', 'y')])
    expect(await digest([fileOf('b', 'y'), { ...fileOf('a', 'x'), modifiedAt: 99, mode: 0o4644 }])).toBe(one)
    expect(await digest([fileOf('a', 'x'), packMember('b', 'hardlink', { target: Buffer.from('a') })])).toBe(
      await digest([fileOf('a', 'x'), fileOf('b', 'x')]),
    )
    const others = [
      [fileOf('a', 'y'), fileOf('b', 'x')],
      [fileOf('a', 'x')],
      [{ ...fileOf('a', 'x'), mode: 0o755 }, fileOf('b', 'y')],
      [fileOf('a', 'x'), packMember('b', 'symlink', { target: Buffer.from('y') })],
    ]
    for (const other of others) expect(await digest(other)).not.toBe(one)
  })

  it('lists what differs, up to a bound', () => {
    const a = treeDigestOf([
      entry('same'),
      entry('gone'),
      entry('mode'),
      entry('content'),
      entry('type'),
      entry('to', { type: 'symlink', target: 'x' }),
    ])
    const b = treeDigestOf([
      entry('same'),
      entry('new'),
      entry('mode', { mode: 0o755 }),
      entry('content', { sha256: 'b'.repeat(64) }),
      entry('type', { type: 'directory' }),
      entry('to', { type: 'symlink', target: 'y' }),
    ])
    const { differences, equal, more } = compareTrees(a, b)
    expect({ equal, more }).toEqual({ equal: false, more: false })
    expect(differences.map(({ path, kind }) => `${path}:${kind}`)).toEqual([
      'content:content',
      'gone:missing',
      'mode:mode',
      'new:extra',
      'to:target',
      'type:type',
    ])
    expect(compareTrees(a, b, 2)).toMatchObject({ more: true, differences: [{}, {}] })
    expect(compareTrees(a, a)).toEqual({ equal: true, differences: [], more: false })
  })
})
