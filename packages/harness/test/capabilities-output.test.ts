import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createOutputBuffer, incompleteTail } from '../src/capabilities/shell/output-buffer.ts'
import { callIdOf, opIdOf, sessionIdOf } from '../src/capabilities/shell/session-id.ts'
import { renderOutput, tokensOf } from '../src/capabilities/shell/truncate-output.ts'

fc.configureGlobal({ seed: 2024 })

const text = fc.array(fc.constantFrom('a', '\n', 'ä', '漢', '🙂', 'line of words '), { maxLength: 300 }).map((parts) => parts.join(''))

function collect(content: string | Uint8Array, limit?: number): ReturnType<ReturnType<typeof createOutputBuffer>['take']> {
  const buffer = createOutputBuffer(limit)
  buffer.push({ fd: 1, bytes: Buffer.from(content) })
  buffer.end()
  return buffer.take()
}

describe('output buffer', () => {
  it('gives back the text however it is cut into chunks and read', () => {
    fc.assert(
      fc.property(text, fc.array(fc.tuple(fc.integer({ min: 1, max: 7 }), fc.boolean()), { minLength: 1 }), (content, cuts) => {
        const bytes = Buffer.from(content)
        const buffer = createOutputBuffer()
        let seen = ''
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const [length, reads] = cuts[turn % cuts.length] ?? [1, false]
          buffer.push({ fd: 1, bytes: bytes.subarray(at, at + length) })
          at += length
          if (reads) seen += buffer.take().head.toString('utf8')
        }
        buffer.end()
        seen += buffer.take().head.toString('utf8')
        expect(seen).toBe(content)
      }),
    )
  })

  it('holds the first and the last half of what is too much, and counts all', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 16, max: 200 }), (content, limit) => {
        const { head, tail, totalBytes, totalLines } = collect(content, limit)
        expect(totalBytes).toBe(Buffer.byteLength(content))
        expect(totalLines).toBe(content.replace(/\n$/, '').split('\n').length - (content === '' ? 1 : 0))
        expect(head.length + tail.length).toBeLessThanOrEqual(limit)
        expect(content.startsWith(head.toString('utf8'))).toBe(true)
        expect(content.endsWith(tail.toString('utf8'))).toBe(true)
        if (totalBytes <= limit - 1) expect(head.toString('utf8')).toBe(content)
      }),
    )
  })

  it('keeps the streams in the order of the wire, and a character that the other stream interrupts whole', () => {
    const buffer = createOutputBuffer()
    const [first, ...rest] = Buffer.from('ä')
    buffer.push({ fd: 1, bytes: Buffer.from([0x61, first ?? 0]) })
    buffer.push({ fd: 2, bytes: Buffer.from('err\n') })
    buffer.push({ fd: 1, bytes: Buffer.from([...rest, 0x62]) })
    expect(buffer.take().head.toString('utf8')).toBe('aerr\näb')
  })

  it('shows bytes that are no UTF-8, and a character that never was completed, as U+FFFD', () => {
    const buffer = createOutputBuffer()
    buffer.push({ fd: 1, bytes: Buffer.from([0x61, 0xff, 0x62, 0xe6, 0xbc]) })
    expect(buffer.take().head.toString('utf8')).toBe('a\ufffdb')
    buffer.end()
    expect(buffer.take().head.toString('utf8')).toBe('\ufffd')
    expect(incompleteTail(Buffer.from([0xf0, 0x9f, 0x99]))).toBe(3)
    expect(incompleteTail(Buffer.from('🙂'))).toBe(0)
  })
})

describe('truncation', () => {
  it('never passes the budget, cuts no character, and keeps both ends', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 120 }), fc.constantFrom(64, 200, 100_000), (content, tokens, limit) => {
        const collected = collect(content, limit)
        const shown = renderOutput(collected, tokens)
        expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(tokens * 4)
        expect(shown).not.toContain('\ufffd')
        if (Buffer.byteLength(content) <= tokens * 4 && collected.tail.length === 0) {
          expect(shown).toBe(content)
          return
        }
        const match = /^(?:Total output lines: (\d+)\n\n)?([\s\S]*)…(\d+) tokens truncated…([\s\S]*)$/.exec(shown)
        if (!match) expect(shown).toBe('')
        const [, lines, first = '', count, last = ''] = match ?? []
        if (count === undefined) return
        if (lines !== undefined) expect(Number(lines)).toBe(collected.totalLines)
        expect(content.startsWith(first)).toBe(true)
        expect(content.endsWith(last)).toBe(true)
        expect(Number(count)).toBe(tokensOf(Buffer.byteLength(content) - Buffer.byteLength(first) - Buffer.byteLength(last)))
      }),
      { numRuns: 500 },
    )
  })

  it('shows header, both halves and the marker', () => {
    const content = Array.from({ length: 1000 }, (_, index) => `line ${index}\n`).join('')
    const shown = renderOutput(collect(content), 50)
    expect(shown).toMatch(/^Total output lines: 1000\n\nline 0\n[\s\S]*…\d+ tokens truncated…[\s\S]*line 999\n$/)
    expect(renderOutput(collect(content), 3)).toBe('')
  })
})

describe('session ids', () => {
  it('lead back to the call', () => {
    fc.assert(
      fc.property(fc.nat({ max: 9_999 }), fc.nat({ max: 999 }), (turn, index) => {
        const id = sessionIdOf(`${turn}.${index}`)
        expect(id).toBeGreaterThanOrEqual(1000)
        expect(callIdOf(id ?? 0)).toBe(`${turn}.${index}`)
      }),
    )
    expect(sessionIdOf('call_abc')).toBeUndefined()
    expect(callIdOf(999)).toBeUndefined()
    expect(callIdOf(1000.5)).toBeUndefined()
  })

  it('name the operation in the run of the call that asks', () => {
    const id = sessionIdOf('3.1') ?? 0
    expect(opIdOf(id, { callId: '7.0', idempotencyKey: 'run_7.0x/7.0/0' })).toBe('run_7.0x/3.1/0')
    expect(opIdOf(id, { callId: '7.0', idempotencyKey: 'run_a/7.0' })).toBe('run_a/3.1')
    expect(opIdOf(id, { callId: '7.0', idempotencyKey: 'run_a/17.0/0' })).toBeUndefined()
    expect(opIdOf(id, { callId: '7.0', idempotencyKey: 'opaque' })).toBeUndefined()
  })
})
