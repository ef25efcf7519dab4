import { hostMatches, isRingfenceError, parseHost, parsePattern } from '@ringfence/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const matches = (pattern: string, host: string, port = 443): boolean => hostMatches(parsePattern(pattern), parseHost(host), port)
const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/)
const domain = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => `${labels.join('.')}.example`)
const ipv4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => parts.join('.'))
const ipv6 = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }).map((groups) => groups.map((one) => one.toString(16)).join(':'))

describe('parseHost', () => {
  test('tells names from addresses', () => {
    expect(parseHost('Example.COM.')).toEqual({ kind: 'name', text: 'example.com' })
    expect(parseHost('0x7f.1')).toEqual({ kind: 'ipv4', text: '127.0.0.1' })
    expect(parseHost('[::FFFF:127.0.0.1]')).toEqual({ kind: 'ipv6', text: '::ffff:7f00:1' })
  })

  test('quotes what it refuses, with the reason, in one line', () => {
    for (const [host, reason] of [
      ['', 'it is empty'],
      ['a\0b', 'it holds "\\u0000"'],
      ['user@host', 'it holds "@"'],
      ['a..b', 'it has an empty label'],
      ['host:443', 'it holds ":"'],
      ['1.2.3.256', 'it is neither a name nor an address'],
      ['a\u202eb', 'it has no form in ASCII'],
      ['-a', '"-a" is no label'],
      [`${'a.'.repeat(130)}b`, 'longer than 253'],
    ] as const) {
      expect(() => parseHost(host)).toThrow(`${JSON.stringify(host)} is not a host: `)
      expect(() => parseHost(host)).toThrow(reason)
    }
  })

  test('any text is either refused, or has a form that is its own and that WHATWG has too', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.webAuthority(), domain, ipv4, ipv6), (text) => {
        try {
          const host = parseHost(text)
          expect(parseHost(host.text)).toEqual(host)
          const shown = host.kind === 'ipv6' ? `[${host.text}]` : host.text
          expect(new URL(`https://${shown}/`).hostname).toBe(shown)
        } catch (error) {
          if (!isRingfenceError(error, 'config.invalid')) throw error
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('neither case nor a dot at the end makes another host', () => {
    fc.assert(
      fc.property(domain, (name) => {
        expect(parseHost(name.toUpperCase())).toEqual(parseHost(name))
        expect(parseHost(`${name}.`)).toEqual(parseHost(name))
      }),
    )
  })
})

describe('parsePattern', () => {
  test('takes a host, what is below a name, or a block of addresses, each with a port', () => {
    expect(parsePattern('API.example.com')).toMatchObject({ kind: 'exact', port: 443, host: { text: 'api.example.com' } })
    expect(parsePattern('api.example.com:8443')).toMatchObject({ kind: 'exact', port: 8443 })
    expect(parsePattern('*.example.com:80')).toMatchObject({ kind: 'below', port: 80, host: { text: 'example.com' } })
    expect(parsePattern('cidr:10.0.0.0/8')).toMatchObject({ kind: 'cidr', port: 443 })
    expect(parsePattern('cidr:fe80::/10:22')).toMatchObject({ kind: 'cidr', port: 22 })
    expect(parsePattern('cidr:[fe80::]/10:22')).toMatchObject({ kind: 'cidr', port: 22 })
    expect(parsePattern('[::1]:8080')).toMatchObject({ kind: 'exact', port: 8080, host: { text: '::1' } })
    expect(parsePattern('::1')).toMatchObject({ kind: 'exact', port: 443, host: { text: '::1' } })
  })

  test('refuses what is wider than it looks, and what is none', () => {
    for (const pattern of [
      ...[
        '',
        '*',
        '*:443',
        '**',
        '*.',
        '*.*',
        '*.com',
        '*.COM.',
        '*.localhost',
        '*.co.uk',
        '*.github.io',
        '*.amazonaws.com',
        '*.s3.amazonaws.com',
      ],
      ...['a.*.com', 'a*.example.com', '*a.example.com', 'example.*', '*.*.example.com', '*.1.2.3.4', '*.[::1]', '*.127.1'],
      ...[
        'example.com:',
        'example.com:0',
        'example.com:65536',
        'example.com:x',
        'example.com:-1',
        'example.com:443:443',
        'example.com:4 4',
      ],
      ...[
        'cidr:',
        'cidr:10.0.0.0',
        'cidr:10.0.0.0/33',
        'cidr:::/129',
        'cidr:example.com/8',
        'cidr:10.0.0.0/',
        'cidr:10.0.0.0/8:',
        'cidr:/8',
        'cidr:/',
      ],
      ...[
        'https://example.com',
        'example.com/path',
        'user@example.com',
        'example.com\n',
        ' example.com',
        '10.0.0.0/8',
        '%',
        '[::1',
        '::1]',
      ],
    ])
      expect(() => parsePattern(pattern), pattern).toThrow(expect.objectContaining({ code: 'config.invalid', effect: 'none' }))
  })
})

describe('hostMatches', () => {
  test('is exact', () => {
    expect(matches('example.com', 'EXAMPLE.com.')).toBe(true)
    for (const host of ['www.example.com', 'example.org', 'xexample.com', 'example.com.evil.org'])
      expect(matches('example.com', host)).toBe(false)
    expect(matches('127.0.0.1', '0x7f.1')).toBe(true)
    expect(matches('bücher.example', 'xn--bcher-kva.example')).toBe(true)
  })

  test('knows the port, 443 unless another is named', () => {
    expect(matches('example.com', 'example.com', 80)).toBe(false)
    expect(matches('example.com:80', 'example.com', 80)).toBe(true)
    expect(matches('example.com:80', 'example.com', 443)).toBe(false)
    expect(matches('*.example.com:80', 'a.example.com', 443)).toBe(false)
    expect(matches('cidr:10.0.0.0/8:80', '10.0.0.1', 443)).toBe(false)
  })

  test('below a name: at any depth, not the name itself, never an address', () => {
    for (const host of ['a.example.com', 'a.b.example.com']) expect(matches('*.example.com', host)).toBe(true)
    for (const host of ['example.com', 'xexample.com', 'a.example.org', '1.2.3.4']) expect(matches('*.example.com', host)).toBe(false)
  })

  test('a block of addresses: no name, the other family only where it carries the same address', () => {
    expect(matches('cidr:10.0.0.0/8', '10.255.0.1')).toBe(true)
    expect(matches('cidr:10.0.0.0/8', '11.0.0.1')).toBe(false)
    expect(matches('cidr:10.0.0.0/8', '10.example.com')).toBe(false)
    expect(matches('cidr:2001:db8::/32', '2001:db8:1::1')).toBe(true)
    expect(matches('cidr:2001:db8::/32', '2001:db9::1')).toBe(false)
    expect(matches('cidr:10.0.0.0/8', '::ffff:10.0.0.1')).toBe(true)
    expect(matches('cidr:10.0.0.0/8', '::10.0.0.1')).toBe(false)
    expect(matches('cidr:1.2.3.4/32', '1.2.3.4')).toBe(true)
    expect(matches('cidr:1.2.3.4/32', '1.2.3.5')).toBe(false)
  })

  test('a wildcard matches just what ends in a dot and its name', () => {
    fc.assert(
      fc.property(domain, domain, (host, base) => {
        expect(matches(`*.x.${base}`, host)).toBe(host.endsWith(`.x.${base}`))
        expect(matches(`*.x.${base}`, `${host.replaceAll('.', '-')}.x.${base}`)).toBe(true)
      }),
    )
  })

  test('a block has just the addresses that share its bits', () => {
    const value = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
    fc.assert(
      fc.property(ipv4, ipv4, fc.integer({ min: 0, max: 32 }), (block, host, bits) => {
        const shared = 2 ** (32 - bits)
        expect(matches(`cidr:${block}/${bits}`, host)).toBe(Math.floor(value(block) / shared) === Math.floor(value(host) / shared))
      }),
    )
  })
})
