import { isIPv4, isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'
import { RingfenceError } from '../errors/ringfence-error.ts'

declare const canonical: unique symbol

/** A host in its one form. Matching, resolving and dialling take nothing else. */
export interface CanonicalHost {
  readonly [canonical]: true
  readonly kind: 'name' | 'ipv4' | 'ipv6'
  /** Lower case, in ASCII, without a dot at the end; an IPv6 address without brackets. */
  readonly text: string
}

function refuse(host: string, why: string): never {
  throw new RingfenceError('config.invalid', `${JSON.stringify(host)} is not a host: ${why}`, {
    hint: 'Give a host name such as "api.example.com", or an address, without scheme, port and path.',
    effect: 'none',
  })
}

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/

/** An IPv4 address in any of the forms that the WHATWG parser knows (`0x7f.1`, `2130706433`), or `undefined`. */
function ipv4(name: string): string | undefined {
  const last = name.slice(name.lastIndexOf('.') + 1)
  if (!/^(\d+|0x[0-9a-f]*)$/.test(last)) return undefined
  return URL.canParse(`http://${name}/`) ? new URL(`http://${name}/`).hostname : ''
}

/**
 * Parses a host as the WHATWG URL standard does, and takes nothing that two parsers could read in two ways.
 *
 * @throws `config.invalid`: empty, an empty label, a label over 63 characters, `%`, `@`, NUL, white space, a port, a
 *   path.
 */
export function parseHost(host: string): CanonicalHost {
  if (host === '') refuse(host, 'it is empty')
  const bad = /[\u0000-\u0020\u007f%@/\\?#<>^|"`{}*]/.exec(host)
  if (bad) refuse(host, `it holds ${JSON.stringify(bad[0])}`)
  const bracketed = /^\[(.*)\]$/.exec(host)?.[1]
  const address = bracketed ?? host
  if (isIPv6(address)) return { kind: 'ipv6', text: new URL(`http://[${address}]/`).hostname.slice(1, -1) } as CanonicalHost
  if (bracketed !== undefined || host.includes(':')) refuse(host, 'it holds ":" and is no IPv6 address')
  const ascii = domainToASCII(host).toLowerCase().replace(/\.$/, '')
  if (ascii === '') refuse(host, /^[\0-\x7f]*$/.test(host) ? 'it is neither a name nor an address' : 'it has no form in ASCII')
  const number = ipv4(ascii)
  if (number !== undefined) {
    if (!isIPv4(number)) refuse(host, 'it ends in a number and is no IPv4 address')
    return { kind: 'ipv4', text: number } as CanonicalHost
  }
  for (const label of ascii.split('.')) {
    if (label === '') refuse(host, 'it has an empty label')
    if (!LABEL.test(label)) refuse(host, `"${label}" is no label of a host name`)
  }
  if (ascii.length > 253) refuse(host, 'it is longer than 253 characters')
  return { kind: 'name', text: ascii } as CanonicalHost
}
