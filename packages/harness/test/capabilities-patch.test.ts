import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyHunks } from '../src/capabilities/patch/match-hunks.ts'
import { type Hunk, type HunkLine, type PatchOperation, parsePatch } from '../src/capabilities/patch/parse-patch.ts'

fc.configureGlobal({ seed: 2024 })

const wrap = (body: string): string => `*** Begin Patch\n${body}\n*** End Patch`

function hunksOf(body: string): readonly Hunk[] {
  const [operation] = parsePatch(wrap(`*** Update File: f\n${body}`))
  return operation?.type === 'update' ? operation.hunks : []
}

const change = (content: string, body: string): string => applyHunks(content, hunksOf(body))

describe('parsing', () => {
  const patch = wrap(
    '*** Add File: a.txt\n+one\n+\n*** Update File: b.py\n*** Move to: c.py\n@@ class A\n@@ def f\n x\n-y\n+z\n*** End of File\n*** Delete File: d',
  )
  const expected: PatchOperation[] = [
    { type: 'add', path: 'a.txt', lines: ['one', ''] },
    {
      type: 'update',
      path: 'b.py',
      moveTo: 'c.py',
      hunks: [
        {
          anchors: ['class A', 'def f'],
          lines: [
            { kind: ' ', text: 'x' },
            { kind: '-', text: 'y' },
            { kind: '+', text: 'z' },
          ],
          isAtEnd: true,
          lineNumber: 7,
        },
      ],
    },
    { type: 'delete', path: 'd' },
  ]

  it.each<[string, string]>([
    ['plain', patch],
    ['with a newline and space around', `\n${patch}\n\n`],
    ['with CRLF', patch.replaceAll('\n', '\r\n')],
    ['in a JSON object', JSON.stringify({ input: patch })],
    ['in a command', JSON.stringify({ command: ['apply_patch', patch] })],
    ['in a JSON array', JSON.stringify(['apply_patch', patch])],
    ['in a here-document', `apply_patch <<'EOF'\n${patch}\nEOF\n`],
    ['in a here-document alone', `<<EOF\n${patch}\nEOF`],
    ['in a shell command', JSON.stringify({ command: ['bash', '-lc', `apply_patch <<"PATCH"\n${patch}\nPATCH`] })],
    ['in a fence', `\`\`\`diff\n${patch}\n\`\`\``],
  ])('takes a patch %s', (_, text) => {
    const withoutNumbers = (operations: readonly PatchOperation[]): unknown =>
      operations.map((one) => (one.type === 'update' ? { ...one, hunks: one.hunks.map((hunk) => ({ ...hunk, lineNumber: 0 })) } : one))
    expect(withoutNumbers(parsePatch(text))).toEqual(withoutNumbers(expected))
  })

  it('counts the lines of the whole text', () => {
    expect(parsePatch(patch)).toEqual(expected)
  })

  it.each<[string, string, string]>([
    ['no patch', 'hello', 'no line "*** Begin Patch"'],
    ['a cut patch', '*** Begin Patch\n*** Add File: a\n+x', 'may be cut off'],
    ['another command', `cd x && apply_patch <<EOF\n${patch}\nEOF`, 'The line "cd x && apply_patch <<EOF" stands before'],
    ['text behind', `${patch}\nrm -rf x`, 'The line "rm -rf x" stands after'],
    ['an empty patch', '*** Begin Patch\n*** End Patch', 'it names no file'],
    ['a new file without lines', wrap('*** Add File: a'), 'The new file "a" has no lines'],
    ['a new file with a bare line', wrap('*** Add File: a\n+x\ny'), 'Line 4 of the patch, "y", does not begin with "+"'],
    ['an update without changes', wrap('*** Update File: a'), 'The update of "a" has no changes'],
    ['a bare line in an update', wrap('*** Update File: a\n@@\n-x\ny'), 'Line 5 of the patch, "y", begins with none of'],
    ['an anchor without lines', wrap('*** Update File: a\n@@ x'), 'The change at line 3 of the patch has no lines'],
    ['an unknown header', wrap('*** Copy File: a'), 'Line 2 of the patch, "*** Copy File: a", is none of'],
    ['a file without a path', wrap('*** Delete File: '), 'names no path'],
    ['two patches', JSON.stringify({ a: patch, b: patch }), 'more than one patch'],
  ])('refuses %s', (_, text, message) => {
    expect(() => parsePatch(text)).toThrow(message)
  })

  it('does not mind empty lines between files', () => {
    const operations = parsePatch(wrap('\n*** Add File: a\n+x\n\n*** Update File: b\n@@\n-x\n+y\n\n*** Delete File: c\n'))
    expect(operations.map(({ type }) => type)).toEqual(['add', 'update', 'delete'])
  })
})

describe('changing', () => {
  const source = 'class A:\n    def f(self):\n        return 1\n\nclass B:\n    def f(self):\n        return 1\n'

  it('finds the place by its lines, by an anchor, by stacked anchors', () => {
    expect(change('a\nb\nc\n', '@@\n a\n-b\n+B\n c')).toBe('a\nB\nc\n')
    expect(change('a\nb\nc\n', ' a\n-b\n+B')).toBe('a\nB\nc\n')
    expect(change(source, '@@ class B:\n-        return 1\n+        return 2')).toBe(source.replace(/1\n$/, '2\n'))
    expect(change(source, '@@ class B:\n@@     def f(self):\n-        return 1\n+        return 2')).toBe(source.replace(/1\n$/, '2\n'))
    expect(() => change(source, '@@ class B:\n@@     def g(self):\n-        return 1\n+        return 2')).toThrow(
      'its anchor is not in the file',
    )
  })

  it('takes an anchor that is repeated as context, and one that two changes share', () => {
    expect(change('def f\nx\ny\n', '@@ def f\n def f\n-x\n+X')).toBe('def f\nX\ny\n')
    expect(change('def f\nx\ny\n', '@@ def f\n-x\n+X\n@@ def f\n-y\n+Y')).toBe('def f\nX\nY\n')
  })

  it('takes the heads of a unified diff', () => {
    expect(change('a\nb\n', '@@ -1,2 +1,2 @@\n a\n-b\n+B')).toBe('a\nB\n')
  })

  it('matches without space at the end, then without space, and keeps the space of lines that stay', () => {
    expect(change('a  \n\tb\nc\n', '@@\n a\n b\n-c\n+C')).toBe('a  \n\tb\nC\n')
    expect(change('  x\nx\n', '@@\n-x\n+y')).toBe('  x\ny\n')
  })

  it('inserts without context at the end, after an anchor there', () => {
    expect(change('a\nb\n', '@@\n+c')).toBe('a\nb\nc\n')
    expect(change('a\nb\n', '@@ a\n+c')).toBe('a\nc\nb\n')
    expect(change('', '@@\n+c')).toBe('c\n')
  })

  it('prefers the end when the change says so', () => {
    expect(change('x\ny\nx\n', '@@\n-x\n+z\n*** End of File')).toBe('x\ny\nz\n')
    expect(change('x\ny\n', '@@\n-x\n+z\n*** End of File')).toBe('z\ny\n')
  })

  it('keeps line ends, a missing newline at the end, and a byte order mark', () => {
    expect(change('a\r\nb\r\nc\r\n', '@@\n a\n-b\n+B\n+BB')).toBe('a\r\nB\r\nBB\r\nc\r\n')
    expect(change('a\nb', '@@\n-b\n+B')).toBe('a\nB')
    expect(change('a\nb', '@@\n b\n+c')).toBe('a\nb\nc')
    expect(change('a\r\nb', '@@\n b\n+c')).toBe('a\r\nb\r\nc')
    expect(change('\ufeffa\nb\n', '@@\n a\n-b\n+B')).toBe('\ufeffa\nB\n')
    expect(change('a\n', '@@\n-a')).toBe('')
  })

  it('says what does not fit, and why', () => {
    expect(() => change('a\nb\n', '@@\n-nope\n+x')).toThrow(
      'Change 1, at line 3 of the patch, does not fit: these lines are not in the file:\nnope',
    )
    expect(() => change('a\nb\n', '@@\n-b\n+B\n@@\n-a\n+A')).toThrow('changes go in the order of the file')
    expect(() => change('a\nB\n', '@@\n a\n-b\n+B')).toThrow('was it applied before?')
  })

  const word = fc.constantFrom('a', 'b', '  c', 'd ', '', '@@', '*** x', '+p', '-m', 'ä')
  const edit = fc.record({ skip: fc.nat({ max: 6 }), remove: fc.nat({ max: 3 }), add: fc.array(word, { maxLength: 3 }) })

  it('gives the edited text for the patch of random edits', () => {
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 40 }),
        fc.array(edit, { maxLength: 5 }),
        fc.boolean(),
        fc.boolean(),
        (words, edits, isCrlf, endsOpen) => {
          // Lines are made unique, so that there is one place only.
          const lines = words.map((text, index) => `${index}:${text}`)
          const eol = isCrlf ? '\r\n' : '\n'
          const hunks: string[] = []
          const edited: string[] = []
          let at = 0
          for (const { skip, remove, add } of edits) {
            const before = lines.slice(at, at + skip)
            const removed = lines.slice(at + skip, at + skip + remove)
            if (before.length === 0 || removed.length + add.length === 0) continue
            edited.push(...before, ...add)
            hunks.push(
              '@@',
              ...before.slice(-3).map((line) => ` ${line}`),
              ...removed.map((line) => `-${line}`),
              ...add.map((line) => `+${line}`),
            )
            at += before.length + removed.length
          }
          edited.push(...lines.slice(at))
          // One line without an end does not tell the line end of the file.
          fc.pre(hunks.length > 0 && (lines.length > 1 || !isCrlf || !endsOpen))
          const join = (all: string[]): string => all.join(eol) + (endsOpen || all.length === 0 ? '' : eol)
          // A last line that is empty and has no end is no line.
          fc.pre(edited.at(-1) !== '' || !endsOpen)
          expect(change(join(lines), hunks.join('\n'))).toBe(join(edited))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('reads back what is written as a patch', () => {
    const kind = fc.constantFrom<HunkLine['kind']>(' ', '-', '+')
    const line = fc.record({ kind, text: word })
    const hunk = fc.record({
      anchors: fc.array(fc.constantFrom('f', 'class A', '  x'), { maxLength: 2 }),
      lines: fc.array(line, { minLength: 1, maxLength: 5 }),
      isAtEnd: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(hunk, { minLength: 1, maxLength: 4 }), (hunks) => {
        const body = hunks.map(({ anchors, lines, isAtEnd }) =>
          [
            ...(anchors.length === 0 ? ['@@'] : anchors.map((anchor) => `@@ ${anchor}`)),
            ...lines.map((one) => one.kind + one.text),
            ...(isAtEnd ? ['*** End of File'] : []),
          ].join('\n'),
        )
        expect(hunksOf(body.join('\n')).map(({ lineNumber: _, ...rest }) => rest)).toEqual(hunks)
      }),
    )
  })
})
