import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frameParser } from '../../src/exec/channel/frame-parser.ts'

const TOKEN = 'aab0aab0aab0aab0aab0aab0aab0aab1'

function parse(chunks: readonly Uint8Array[], frames = true) {
  const said: string[] = []
  const bytes: Record<string, Buffer[]> = {}
  const parser = frameParser(
    TOKEN,
    {
      event: (sequence, _, line) => void said.push(`${sequence} ${line}`),
      chunk: (sequence, fd, piece) => {
        bytes[`${sequence}.${fd}`] ??= []
        bytes[`${sequence}.${fd}`]?.push(Buffer.from(piece))
      },
      end: (sequence) => void said.push(`${sequence} end`),
    },
    frames,
  )
  for (const chunk of chunks) parser.push(chunk)
  return { said, bytes: Object.fromEntries(Object.entries(bytes).map(([key, parts]) => [key, Buffer.concat(parts)])) }
}

const frame = (sequence: number, out: Uint8Array, err: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`${TOKEN} ${sequence} B\n`), out, Buffer.from(`${TOKEN} 2\n`), err, Buffer.from(`${TOKEN} 0\n`)])

describe('the parser of frames', () => {
  it('reads any payload, however it is cut', () => {
    const near = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...[4, 8, 20, 31].map((n) => Buffer.from(TOKEN.slice(0, n)))))
    const payload = fc
      .array(near, { maxLength: 6 })
      .map((parts) => Buffer.concat(parts))
      .filter((bytes) => !bytes.includes(TOKEN))
    fc.assert(
      fc.property(
        fc.array(fc.tuple(payload, payload), { maxLength: 4 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 50 })),
        (frames, sizes) => {
          const all = Buffer.concat(frames.flatMap(([out, err], n) => [frame(n, out, err), Buffer.from(`${TOKEN} ${n} D 1 x\n`)]))
          const chunks: Buffer[] = []
          for (let at = 0; at < all.length; ) {
            const size = sizes.next().value ?? 1
            chunks.push(all.subarray(at, at + size))
            at += size
          }
          const { said, bytes } = parse(chunks)
          expect(said).toEqual(frames.flatMap((_, n) => [`${n} end`, `${n} D 1 x`]))
          for (const [n, [out, err]] of frames.entries()) {
            expect((bytes[`${n}.1`] ?? Buffer.alloc(0)).equals(out)).toBe(true)
            expect((bytes[`${n}.2`] ?? Buffer.alloc(0)).equals(err)).toBe(true)
          }
        },
      ),
    )
  })

  it('refuses what the script never says', () => {
    for (const bad of [
      'hello\n',
      `${TOKEN}\n`,
      `${TOKEN} x D\n`,
      `${TOKEN} 1 d 0\n`,
      `${TOKEN} 1 B\nabc${TOKEN} 0\n`,
      `${TOKEN} 1 B\nabc${TOKEN} 2\n${TOKEN} 2\n`,
      `${TOKEN} 1 B\nabc${TOKEN} 3\n`,
      'y'.repeat(5000),
    ])
      expect(() => parse([Buffer.from(bad)])).toThrow(expect.objectContaining({ code: 'provider.failed' }))
    expect(() => parse([Buffer.from(`${TOKEN} 1 B\n`)], false)).toThrow(expect.objectContaining({ code: 'provider.failed' }))
  })

  it('never throws anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, frames) => {
        try {
          parse([bytes], frames)
        } catch (error) {
          expect(error).toMatchObject({ code: 'provider.failed' })
        }
      }),
    )
  })
})
