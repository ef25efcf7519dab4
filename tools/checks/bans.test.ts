import { describe, expect, test } from 'vitest'
import { findBans } from './bans.ts'

const FILE = 'packages/workspace/src/a.ts'
const rulesOf = (text: string, file = FILE): string[] => findBans(file, text).map(({ rule }) => rule)

describe('bans', () => {
  test.each([
    ['const a: any = 1', '`any`'],
    ['const a = b as unknown as C', 'a double cast'],
    ["throw new Error('x')", 'a bare `Error`'],
    ["throw new TypeError('x')", 'a bare `TypeError`'],
    ["await Promise.reject(new Error('x'))", 'a bare `Error`'],
    ['const a = Date.now()', 'a bare `Date.now`'],
    ['const a = [].map(Date.now)', 'a bare `Date.now`'],
    ['const a = new Date()', 'a bare `new Date()`'],
    ['setTimeout(f, 1)', 'a bare `setTimeout`'],
    ['globalThis.setInterval(f, 1)', 'a bare `globalThis.setInterval`'],
    ['const a = Math.random()', 'a bare `Math.random`'],
    ['const a = AbortSignal.timeout(1)', 'a bare `AbortSignal.timeout`'],
    ["import { setTimeout as sleep } from 'node:timers/promises'", 'the bare timers of "node:timers/promises"'],
    ["import { randomUUID as id } from 'node:crypto'", 'a bare `randomUUID`'],
    ['try { f() } catch {}', 'an error is swallowed'],
    ['try { f() } catch (error) {\n}', 'an error is swallowed'],
    ['f().catch(() => {})', 'a rejection is swallowed'],
    ['f().catch(() => undefined)', 'a rejection is swallowed'],
    ['f().then(g, () => {})', 'a rejection is swallowed'],
  ])('refuses %s', (text, rule) => {
    expect(rulesOf(text)).toEqual([rule])
  })

  test.each([
    "throw new RingfenceError('fs.failed', 'x')",
    "controller.abort(new Error('stop'))",
    'const a = new Date(0)',
    'const a = clock.sleep(1)',
    'try { f() } catch {\n  // It may be gone already.\n}',
    'try { f() } catch (error) { report(error) }',
    '// The caller hears of it through `exit`.\nf().catch(() => {})',
    'f().catch((error) => report(error))',
    "const url = 'https://example.org' // as unknown as\n",
  ])('allows %s', (text) => {
    expect(rulesOf(text)).toEqual([])
  })

  test('the runtime of core may use the real clock, and nothing else', () => {
    const file = 'packages/core/src/runtime/clock.ts'
    expect(rulesOf('const a = Date.now()', file)).toEqual([])
    expect(rulesOf('const a: any = 1', file)).toEqual(['`any`'])
  })

  test('a mutant throws what it likes, and swallows nothing', () => {
    const file = 'packages/testkit/src/mutants/a.ts'
    expect(rulesOf("throw new TypeError('x')", file)).toEqual([])
    expect(rulesOf('f().catch(() => {})', file)).toEqual(['a rejection is swallowed'])
  })

  test('a finding names the line', () => {
    expect(findBans(FILE, '\n\nconst a: any = 1')[0]?.file).toBe(`${FILE}:3`)
  })
})
