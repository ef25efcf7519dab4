import { isRingfenceError, parseHost } from '@ringfence/core'
import { HOST_TABLE } from '@ringfence/testkit'
import { expect, test } from 'vitest'

/** What core makes of a host; `null` when it is refused. */
function canonicalOf(host: string): string | null {
  try {
    return parseHost(host).text
  } catch (error) {
    expect(isRingfenceError(error, 'config.invalid')).toBe(true)
    return null
  }
}

/** What the URL parser of this Node makes of a host. */
function whatwgOf(host: string): string | null {
  const url = `https://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}/`
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '') : null
}

test('there are more than 500 rows, none twice', () => {
  expect(HOST_TABLE.length).toBeGreaterThan(500)
  expect(new Set(HOST_TABLE.map(([host]) => host)).size).toBe(HOST_TABLE.length)
})

test('core reads every row as the table says', () => {
  const wrong = HOST_TABLE.flatMap(([host, canonical]) => {
    const found = canonicalOf(host)
    return found === canonical ? [] : [{ host, canonical, found }]
  })
  expect(wrong).toEqual([])
})

test('what the table accepts, the WHATWG URL parser reads alike', () => {
  const wrong = HOST_TABLE.flatMap(([host, canonical]) => {
    const found = whatwgOf(host)
    return canonical === null || found === canonical ? [] : [{ host, canonical, found }]
  })
  expect(wrong).toEqual([])
})

test('a canonical host is its own canonical form', () => {
  for (const [, canonical] of HOST_TABLE) if (canonical !== null) expect(canonicalOf(canonical)).toBe(canonical)
})
