import { BlockList } from 'node:net'
import { RingfenceError } from '../errors/ringfence-error.ts'
import { type CanonicalHost, parseHost } from './parse-host.ts'
import { isPublicSuffix } from './public-suffix.ts'

declare const pattern: unique symbol

/** What hosts a rule speaks of. */
export type HostPattern = { readonly [pattern]: true; readonly text: string; readonly port: number } & (
  | { readonly kind: 'exact'; readonly host: CanonicalHost }
  /** Any depth below the name, and not the name itself. */
  | { readonly kind: 'below'; readonly host: CanonicalHost }
  | { readonly kind: 'cidr'; readonly block: BlockList }
)

/** The port of a pattern that names none. */
export const DEFAULT_PORT = 443

function refuse(text: string, why: string): never {
  throw new RingfenceError('config.invalid', `${JSON.stringify(text)} is not a pattern of hosts: ${why}`, {
    hint: 'Give "api.example.com", "*.example.com" or "cidr:10.0.0.0/8", each with an optional port such as ":8443".',
    effect: 'none',
  })
}

function parsePort(text: string, port: string | undefined): number {
  if (port === undefined) return DEFAULT_PORT
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0
  if (number < 1 || number > 65_535) refuse(text, `"${port}" is no port`)
  return number
}

function parseCidr(text: string, block: string, port: string | undefined): HostPattern {
  const [, address = '', bits = ''] = /^(.*)\/(\d{1,3})$/.exec(block) ?? refuse(text, 'a cidr is an address, "/" and a number of bits')
  const host = parseHost(address)
  if (host.kind === 'name') refuse(text, `"${address}" is no address`)
  if (Number(bits) > (host.kind === 'ipv4' ? 32 : 128)) refuse(text, `"/${bits}" is more than the address has`)
  const list = new BlockList()
  list.addSubnet(host.text, Number(bits), host.kind)
  return { kind: 'cidr', text, port: parsePort(text, port), block: list } as HostPattern
}

/**
 * Parses `host`, `*.host` or `cidr:address/bits`, each with an optional `:port` (default 443).
 *
 * @throws `config.invalid`: a bare `*`, a wildcard elsewhere than in front or over a public suffix, and all that
 *   {@link parseHost} refuses.
 */
export function parsePattern(text: string): HostPattern {
  const cidr = /^cidr:(\[[^\]]*\]\/\d+|[^:]*\/\d+|[0-9a-fA-F:.]*\/\d+)(?::(\d+))?$/.exec(text)
  if (cidr) return parseCidr(text, (cidr[1] ?? '').replace(/^\[(.*)\]/, '$1'), cidr[2])
  if (text.startsWith('cidr:')) refuse(text, 'a cidr is an address, "/" and a number of bits')
  const [, name = '', port] = /^(\[[^\]]*\]|[^:]*)(?::([^:]*))?$/.exec(text) ?? [text, text]
  if (name === '*') refuse(text, 'a bare "*" would be every host')
  if (!name.startsWith('*.')) return { kind: 'exact', text, port: parsePort(text, port), host: parseHost(name) } as HostPattern
  const host = parseHost(name.slice(2))
  if (host.kind !== 'name') refuse(text, 'a wildcard stands before a name, not before an address')
  if (isPublicSuffix(host.text)) refuse(text, `"${host.text}" is a public suffix: anyone can have a name below it`)
  return { kind: 'below', text, port: parsePort(text, port), host } as HostPattern
}

/** Tells whether a host and a port are among those of a pattern. */
export function hostMatches(rule: HostPattern, host: CanonicalHost, port: number): boolean {
  if (rule.port !== port) return false
  switch (rule.kind) {
    case 'exact':
      return rule.host.kind === host.kind && rule.host.text === host.text
    case 'below':
      return host.kind === 'name' && host.text.endsWith(`.${rule.host.text}`)
    case 'cidr':
      return host.kind !== 'name' && rule.block.check(host.text, host.kind)
  }
}

/**
 * Tells whether one pattern allows all that another does. A block of addresses is known to be within another only when
 * both are written alike: in doubt it is not.
 */
export function patternContains(outer: HostPattern, inner: HostPattern): boolean {
  if (inner.kind === 'exact') return hostMatches(outer, inner.host, inner.port)
  if (outer.port !== inner.port || outer.kind !== inner.kind) return false
  if (inner.kind === 'cidr') return outer.text === inner.text
  return outer.kind === 'below' && (outer.host.text === inner.host.text || inner.host.text.endsWith(`.${outer.host.text}`))
}
