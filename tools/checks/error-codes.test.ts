import { expect, test } from 'vitest'
import { codesOf, compareCodes } from './error-codes.ts'

test('codes are found where they are thrown, asked for and documented', () => {
  const text = `
    /**
     * Reads it.
     *
     * @throws \`fs.not-found\`, or \`fs.denied\` when the user may not.
     * @returns \`some.thing\` else.
     */
    export function f(): void {
      if (isRingfenceError(error, 'fs.exists')) return
      throw new RingfenceError('fs.failed', 'no "run.start" here')
    }`
  expect(codesOf('a.ts', text).map(({ code }) => code)).toEqual(['fs.exists', 'fs.failed', 'fs.not-found', 'fs.denied'])
})

test('a code that is not in the catalogue is a finding', () => {
  const files = [{ file: 'a.ts', text: "throw new RingfenceError('fs.gone', '')\nconst a = 'fs.failed'" }]
  expect(compareCodes(['fs.failed'], files).map(({ file, rule }) => `${file} ${rule}`)).toEqual([
    'a.ts:1 the code "fs.gone" is not in the catalogue',
  ])
})

test('a comment may name members, and no code that is not there', () => {
  const text = '/** @throws `fs.failed` with `details.path`, `fs.lost`. */'
  const files = [{ file: 'a.ts', text: `${text}\nconst a = 'fs.failed'` }]
  expect(compareCodes(['fs.failed'], files).map(({ rule }) => rule)).toEqual(['the code "fs.lost" is not in the catalogue'])
})

test('a code that no source uses is a finding', () => {
  const files = [{ file: 'a.ts', text: "invalid('fs.failed')" }]
  expect(compareCodes(['fs.failed', 'fs.denied'], files).map(({ rule }) => rule)).toEqual(['no source uses the code "fs.denied"'])
})
