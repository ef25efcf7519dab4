import { HOST_IDN } from './host-idn.ts'
import { HOST_IPV4 } from './host-ipv4.ts'
import { HOST_IPV6 } from './host-ipv6.ts'
import { HOST_NAMES } from './host-names.ts'
import type { HostRow } from './host-row.ts'
import { HOST_SIGNS } from './host-signs.ts'

/**
 * Strings that may or may not name a host, for whatever parses, matches, resolves or dials hosts. IPv6 addresses are
 * given without brackets. Where a row has a host, it is the one that the WHATWG URL standard has, without a dot at its
 * end; more is refused than there: what two parsers could read in two ways.
 */
export const HOST_TABLE: readonly HostRow[] = [...HOST_NAMES, ...HOST_SIGNS, ...HOST_IDN, ...HOST_IPV4, ...HOST_IPV6]
