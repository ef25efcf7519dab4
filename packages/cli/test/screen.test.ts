import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { makeScreen } from '../src/screen/screen.ts'

/** A stream that keeps what is written. */
function paper(isTTY: boolean) {
  const parts: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      parts.push(String(chunk))
      done()
    },
  })
  return Object.assign(stream, { isTTY, text: () => parts.join('') })
}

test('colours go to terminals alone, each stream by itself', () => {
  const [out, err] = [paper(true), paper(false)]
  const screen = makeScreen({ json: false, out, err, env: {} })
  screen.title('a')
  screen.error('config.invalid', 'b\u001b[2J', 'c')
  expect(out.text()).toContain('\u001b[')
  expect(err.text()).toBe('error config.invalid: b\\x1b[2J\n      c\n')
})
