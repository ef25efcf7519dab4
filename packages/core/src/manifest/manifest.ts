import { z } from 'zod'
import { parseWith } from '../errors/invalid.ts'
import { RingfenceError } from '../errors/ringfence-error.ts'
import { type Entry, entrySchema } from './entry.ts'
import { normalizePath } from './workspace-path.ts'

const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable')

export const manifestSchema = z.strictObject({
  version: z.literal(1).optional(),
  /** What goes where: relative paths within the workspace. */
  entries: z.record(z.string(), entrySchema).optional(),
  /** Variables of every command. Secrets go into the policy, never here. */
  env: z.record(variable, z.string()).optional(),
})

/** What a workspace begins with, as plain JSON. */
export type ManifestInput = z.input<typeof manifestSchema>

/** A checked manifest: paths are normalized, and in an order in which parents come before what is below them. */
export interface Manifest {
  readonly version: 1
  readonly entries: Readonly<Record<string, Entry>>
  readonly env: Readonly<Record<string, string>>
}

const isTree = (entry: Entry): boolean => entry.type === 'dir' || entry.type === 'localDir' || entry.type === 'gitRepo'

function refuse(message: string, hint: string): never {
  throw new RingfenceError('config.invalid', `The manifest is not valid: ${message}`, { hint, effect: 'none' })
}

function normalizeEntries(given: Readonly<Record<string, Entry>>): Record<string, Entry> {
  const entries = new Map<string, Entry>()
  for (const [name, entry] of Object.entries(given)) {
    const path = normalizePath(name)
    if (path === '' && !isTree(entry)) refuse(`the entry "${name}" would replace the workspace itself`, 'Give the file a name.')
    if (entries.has(path)) refuse(`two entries are at "${path}"`, 'Keep one of them.')
    entries.set(path, entry)
  }
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [path] of sorted) {
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
      const above = entries.get(path.slice(0, end))
      if (above && !isTree(above)) refuse(`"${path}" lies below "${path.slice(0, end)}", which is a file`, 'Move one of the two.')
    }
  }
  return Object.fromEntries(sorted)
}

/** The schema would leave out this one key in silence: a file would be missing and nobody would know. */
function refuseLostKeys(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const table of Object.values(value)) {
    if (typeof table === 'object' && table !== null && Object.hasOwn(table, '__proto__'))
      refuse('an entry or a variable has the name "__proto__"', 'Use another name.')
  }
}

/**
 * Checks a manifest.
 *
 * @throws `config.invalid`, `path.invalid`, `path.escapes-workspace`; nothing is read or made.
 */
export function parseManifest(value: unknown): Manifest {
  refuseLostKeys(value)
  const { entries = {}, env = {} } = parseWith(manifestSchema, value, 'The manifest')
  return { version: 1, entries: normalizeEntries(entries), env }
}
