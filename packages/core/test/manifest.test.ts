import { dir, file, gitRepo, isWithin, localDir, localFile, type ManifestInput, normalizePath, parseManifest } from '@ringfence/core'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'

const part = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
  .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..')
const path = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'))
const dotted = fc.array(fc.oneof(part, fc.constantFrom('.', '..', '')), { minLength: 1, maxLength: 8 }).map((parts) => parts.join('/'))

/** What a path leads to by its parts alone, written in the plainest way; `undefined` when it leads out. */
function follow(text: string): string | undefined {
  if (text.startsWith('/')) return undefined
  const stack: string[] = []
  for (const step of text.split('/')) {
    if (step === '..') {
      if (stack.length === 0) return undefined
      stack.length -= 1
    } else if (step !== '' && step !== '.') stack.push(step)
  }
  return stack.join('/')
}

describe('normalizePath', () => {
  test('gives the one form', () => {
    for (const [given, normal] of [
      ['a', 'a'],
      ['a/b', 'a/b'],
      ['./a//b/', 'a/b'],
      ['a/./b/../c', 'a/c'],
      ['.', ''],
      ['a/..', ''],
      ['...', '...'],
      ['a/..b', 'a/..b'],
      ['a\\..\\b', 'a\\..\\b'],
      [' ', ' '],
      ['a\nb', 'a\nb'],
      ['__proto__', '__proto__'],
    ] as const)
      expect(normalizePath(given)).toBe(normal)
  })

  test('refuses what leads out, and what is no path', () => {
    for (const given of ['/', '/a', '//a', '..', '../a', 'a/../..', 'a/../../b', './..', '../../../../etc/passwd', '/..'])
      expect(() => normalizePath(given), given).toThrow(expect.objectContaining({ code: 'path.escapes-workspace', effect: 'none' }))
    for (const given of ['', '\0', 'a\0b', 'a/\0', '\ud800', 'a/\udc00b'])
      expect(() => normalizePath(given), given).toThrow(expect.objectContaining({ code: 'path.invalid', effect: 'none' }))
  })

  test('a path that once led out is out, also when it comes back', () => {
    expect(() => normalizePath('../workspace/a')).toThrow('leads out')
    expect(() => normalizePath('a/../../a/b')).toThrow('leads out')
  })

  test('follows parts, is its own form, and stays within', () => {
    fc.assert(
      fc.property(dotted, (given) => {
        const expected = follow(given)
        fc.pre(given !== '')
        if (expected === undefined) expect(() => normalizePath(given)).toThrow('leads out')
        else {
          expect(normalizePath(given)).toBe(expected)
          if (expected !== '') expect(normalizePath(expected)).toBe(expected)
          expect(isWithin(expected, '')).toBe(true)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('isWithin', () => {
  test('is not fooled by names that begin alike', () => {
    expect(isWithin('a/b', 'a')).toBe(true)
    expect(isWithin('a', 'a')).toBe(true)
    expect(isWithin('ab', 'a')).toBe(false)
    expect(isWithin('ab/c', 'a')).toBe(false)
    expect(isWithin('a', 'a/b')).toBe(false)
    expect(isWithin('', 'a')).toBe(false)
    expect(isWithin('', '')).toBe(true)
  })

  test('holds for what is joined below, and in one direction only', () => {
    fc.assert(
      fc.property(path, path, (above, below) => {
        expect(isWithin(`${above}/${below}`, above)).toBe(true)
        expect(isWithin(above, `${above}/${below}`)).toBe(false)
        expect(isWithin(`${above}x/${below}`, above)).toBe(false)
      }),
    )
  })
})

describe('parseManifest', () => {
  const full: ManifestInput = {
    version: 1,
    entries: {
      'README.md': file('# Hello', { mode: 0o600, description: 'Read this first' }),
      'data/blob': file(new Uint8Array([0, 1, 255]), { ephemeral: true }),
      src: localDir('./src', { gitignore: false }),
      'src/extra.ts': file(''),
      repo: gitRepo('https://example.com/a.git', { ref: 'main' }),
      'notes.txt': localFile('/home/me/notes.txt'),
      out: dir({ mode: 0o777 }),
    },
    env: { NODE_ENV: 'test', _A1: '' },
  }

  test('survives JSON, and is its own form', () => {
    const manifest = parseManifest(full)
    expect(parseManifest(JSON.parse(JSON.stringify(full)))).toEqual(manifest)
    expect(parseManifest(JSON.parse(JSON.stringify(manifest)))).toEqual(manifest)
    expect(JSON.stringify(parseManifest(manifest))).toBe(JSON.stringify(manifest))
    expect(manifest.entries['data/blob']).toEqual({ type: 'file', content: { base64: 'AAH/' }, ephemeral: true })
    expect(parseManifest({})).toEqual({ version: 1, entries: {}, env: {} })
  })

  test('normalizes paths, and has parents before what is below them', () => {
    const manifest = parseManifest({
      entries: { 'b/c/d': file('1'), './b//c': dir(), b: dir(), '10/a': file(''), '10': dir(), 'a.b': file('') },
    })
    const paths = Object.keys(manifest.entries)
    expect(paths.toSorted()).toEqual(['10', '10/a', 'a.b', 'b', 'b/c', 'b/c/d'])
    for (const [index, one] of paths.entries())
      for (const later of paths.slice(index + 1)) expect(one.startsWith(`${later}/`), `${one} before ${later}`).toBe(false)
  })

  test('refuses what leads out, two at one path, and what lies below a file', () => {
    for (const name of ['../a', '/etc/passwd', 'a/../../b'])
      expect(() => parseManifest({ entries: { [name]: file('') } })).toThrow(expect.objectContaining({ code: 'path.escapes-workspace' }))
    expect(() => parseManifest({ entries: { 'a\0': file('') } })).toThrow(expect.objectContaining({ code: 'path.invalid' }))
    for (const [entries, message] of [
      [{ a: file('1'), './a': file('2') }, 'two entries are at "a"'],
      [{ a: dir(), 'a/': dir() }, 'two entries are at "a"'],
      [{ a: file('1'), 'a/b': file('2') }, '"a/b" lies below "a", which is a file'],
      [{ a: localFile('x'), 'a/b/c/d': file('2') }, '"a/b/c/d" lies below "a", which is a file'],
      [{ 'x/a': file('1'), 'x/a.b': file('2'), 'x/a/b': dir() }, '"x/a/b" lies below "x/a"'],
      [{ '.': file('1') }, 'the entry "." would replace the workspace itself'],
    ] as const) {
      expect(() => parseManifest({ entries })).toThrow(expect.objectContaining({ code: 'config.invalid', effect: 'none' }))
      expect(() => parseManifest({ entries })).toThrow(message)
    }
    expect(Object.keys(parseManifest({ entries: { '.': localDir('x'), a: file('') } }).entries)).toEqual(['', 'a'])
  })

  test('refuses wrong types, unknown keys and names that JSON alone can have, with the place', () => {
    for (const [value, message] of [
      ['{"entries":{"a":{"type":"file","content":1}}}', 'at "entries.a.content"'],
      ['{"entries":{"a":{"type":"file","content":{"base64":"?"}}}}', 'at "entries.a.content'],
      ['{"entries":{"a":{"type":"socket"}}}', 'at "entries.a.type"'],
      ['{"entries":{"a":{"type":"file","content":"","mode":4095}}}', 'at "entries.a.mode"'],
      ['{"entries":{"a":{"type":"dir","content":""}}}', 'Unrecognized key: "content"'],
      ['{"entries":{"a":null}}', 'at "entries.a"'],
      ['{"entries":[]}', 'at "entries"'],
      ['{"env":{"A-B":"x"}}', 'env'],
      ['{"env":{"A":1}}', 'at "env.A"'],
      ['{"version":2}', 'at "version"'],
      ['{"files":{}}', 'Unrecognized key: "files"'],
      ['{"entries":{"__proto__":{"type":"dir"}}}', '"__proto__"'],
      ['{"env":{"__proto__":"x"}}', '"__proto__"'],
      ['[]', 'The manifest is not valid'],
      ['null', 'The manifest is not valid'],
    ] as const) {
      const parse = (): unknown => parseManifest(JSON.parse(value))
      expect(parse, value).toThrow(expect.objectContaining({ code: 'config.invalid', effect: 'none' }))
      expect(parse, value).toThrow(message)
    }
    expect(
      Object.keys(parseManifest(JSON.parse('{"entries":{"constructor":{"type":"dir"},"a/__proto__":{"type":"dir"}}}')).entries),
    ).toEqual(['a/__proto__', 'constructor'])
  })

  test('an entry costs as much among 10,000 as among 100', () => {
    /** Look-ups and scans for each of n entries. */
    const costOf = (count: number): number => {
      const entries = Object.fromEntries(Array.from({ length: count }, (_, index) => [`folder ${index % 50}/sub/file ${index}`, file('')]))
      const spies = [
        ...(['get', 'has'] as const).map((name) => vi.spyOn(Map.prototype, name)),
        ...(['indexOf', 'startsWith', 'split', 'slice'] as const).map((name) => vi.spyOn(String.prototype, name)),
      ]
      const manifest = parseManifest({ entries })
      const calls = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0)
      for (const spy of spies) spy.mockRestore()
      expect(Object.keys(manifest.entries)).toHaveLength(count)
      return calls / count
    }
    const [few, many] = [costOf(100), costOf(10_000)]
    expect(few).toBeGreaterThan(2)
    expect(many).toBeLessThan(few * 1.5)
  })

  test('any tree of directories and files comes out with the same paths', () => {
    fc.assert(
      fc.property(fc.uniqueArray(path, { maxLength: 20 }), (paths) => {
        const manifest = parseManifest({ entries: Object.fromEntries(paths.map((one) => [one, dir()])) })
        expect(Object.keys(manifest.entries).sort()).toEqual(paths.toSorted())
      }),
    )
  })
})
