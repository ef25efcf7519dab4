import { expect, test } from 'vitest'
import { type DoneCall, nextStep } from '../src/demo/embedded-brain.ts'

const result = (code: number, body: string): string =>
  `Chunk ID: abc\nWall time: 0.1 seconds\nProcess exited with code ${code}\nOriginal token count: 9\nOutput:\n${body}`
const FAILS = result(1, 'TAP version 13\nnot ok 1 - discount begins at 100\n# pass 2\n# fail 1\n')
const PASSES = result(0, 'TAP version 13\nok 1 - discount begins at 100\n# pass 3\n# fail 0\n')
const SOURCE = result(0, '=== lib/a.js\nexport function discount(n) {\n  return n > 100 ? 10 : 0\n}\n')
const exec = (output: string): DoneCall => ({ name: 'exec_command', arguments: '{}', output })
const patch = (output: string): DoneCall => ({ name: 'apply_patch', arguments: '', output })

test('each step follows from what the tools returned', () => {
  expect(nextStep([])).toMatchObject({ type: 'exec', command: expect.stringContaining('node --test') })
  expect(nextStep([exec(PASSES)])).toMatchObject({ type: 'answer', text: expect.stringContaining('nothing to mend') })
  expect(nextStep([exec(FAILS)])).toMatchObject({ type: 'exec', command: expect.stringContaining('git ls-files') })
  const first = nextStep([exec(FAILS), exec(SOURCE)])
  expect(first).toMatchObject({ type: 'patch', patch: expect.stringContaining('-  return n > 100 ? 10 : 0\n+  return n >= 100 ? 10 : 0') })
  const done = patch('Success. Updated the following files:\nM lib/a.js\n')
  expect(nextStep([exec(FAILS), exec(SOURCE), done])).toMatchObject({ type: 'exec' })
  expect(nextStep([exec(FAILS), exec(SOURCE), done, exec(PASSES)])).toMatchObject({
    type: 'answer',
    text: expect.stringContaining('line 2'),
  })
})

test('an edit that does not help is undone by the next one', () => {
  const done = patch('Success. Updated the following files:\nM lib/a.js\n')
  const second = nextStep([exec(FAILS), exec(SOURCE), done, exec(FAILS)])
  expect(second).toMatchObject({ type: 'patch', patch: expect.stringContaining('-  return n >= 100 ? 10 : 0\n+  return n < 100 ? 10 : 0') })
})

test.each([
  ['garbage', [exec('????')]],
  ['a report without a code', [exec('# pass 1\n# fail 1')]],
  ['sources that cannot be read', [exec(FAILS), exec('????')]],
  ['a patch that does not apply', [exec(FAILS), exec(SOURCE), patch('The patch does not fit')]],
])('%s ends the work with words, and never with a claim of success', (_, calls) => {
  const step = nextStep(calls)
  expect(step).toMatchObject({ type: 'answer', text: expect.not.stringContaining('pass now') })
})
