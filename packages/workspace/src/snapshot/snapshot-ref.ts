import { RingfenceError } from '@ringfence/core'

/** The formats that this release reads. Each is one entry of the registry in `formats.ts`. */
export type SnapshotFormatName = 'tar-1'

/** A snapshot of a workspace, as plain JSON. It names no place and no credential. */
export interface SnapshotRef {
  /** How it is stored. */
  readonly format: SnapshotFormatName
  /** The SHA-256 of the stored bytes, in hex: their name in the store. */
  readonly id: string
  /** Of the tree that it holds. */
  readonly treeDigest: string
  /** What it covers, relative to the workspace. So far always all of it: `['.']`. */
  readonly roots: readonly string[]
  /** Paths within that were left out. */
  readonly excludes: readonly string[]
  /** False when something else than `excludes` was left out: sockets, FIFOs or devices. */
  readonly complete: boolean
}

const DIGEST = /^[0-9a-f]{64}$/
const KEYS = ['format', 'id', 'treeDigest', 'roots', 'excludes', 'complete']

const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((item) => typeof item === 'string')

function invalid(reason: string): RingfenceError {
  return new RingfenceError('config.invalid', `The snapshot reference is not valid: ${reason}`, {
    hint: 'Use one as it was given by a snapshot.',
    effect: 'none',
  })
}

/**
 * Checks the JSON form of a reference.
 *
 * @throws `config.invalid`; `snapshot.failed` for a format of another release.
 */
export function parseSnapshotRef(value: unknown): SnapshotRef {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('it is no object')
  const fields = new Map<string, unknown>(Object.entries(value))
  const format = fields.get('format')
  if (typeof format !== 'string') throw invalid('it has no "format"')
  if (format !== 'tar-1')
    throw new RingfenceError('snapshot.failed', `The snapshot has the format "${format}", which this release does not read`, {
      hint: 'Restore it with the release that made it, or a newer one.',
      effect: 'none',
    })
  for (const key of fields.keys()) if (!KEYS.includes(key)) throw invalid(`"${key}" is unknown`)
  const [id, treeDigest, roots, excludes, complete] = ['id', 'treeDigest', 'roots', 'excludes', 'complete'].map((key) => fields.get(key))
  if (typeof id !== 'string' || !DIGEST.test(id)) throw invalid('"id" is no SHA-256')
  if (typeof treeDigest !== 'string' || !DIGEST.test(treeDigest)) throw invalid('"treeDigest" is no SHA-256')
  if (!isTexts(roots)) throw invalid('"roots" are no paths')
  if (!isTexts(excludes)) throw invalid('"excludes" are no paths')
  if (typeof complete !== 'boolean') throw invalid('"complete" is no boolean')
  return { format, id, treeDigest, roots, excludes, complete }
}
