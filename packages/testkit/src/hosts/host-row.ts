/** A string, and the one form of the host that it names; `null` when it must be refused. */
export type HostRow = readonly [host: string, canonical: string | null]
