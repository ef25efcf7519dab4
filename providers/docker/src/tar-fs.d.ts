declare module 'tar-fs' {
  import type { Readable } from 'node:stream'

  export interface Header {
    name: string
    uid: number
    gid: number
    mode: number
    mtime: Date
  }

  export interface PackOptions {
    /** Relative to the folder. It is emptied. */
    entries?: string[]
    ignore?: (path: string) => boolean
    /** Bits that modes must not have. */
    umask?: number
    map?: (header: Header) => Header
  }

  export function pack(folder: string, options?: PackOptions): Readable
}
