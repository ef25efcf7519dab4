import { type Manifest, type ManifestInput, parseManifest, RingfenceError } from '@ringfence/core'

/** A manifest and whose it is, for the message when two collide. */
export interface OwnedManifest {
  readonly owner: string
  readonly manifest: ManifestInput
}

function refuse(what: string, first: string, second: string): never {
  throw new RingfenceError('config.invalid', `Both ${first} and ${second} bring ${what}`, {
    hint: 'Remove one of the two, or give them different names.',
    effect: 'none',
  })
}

/**
 * The manifests of the agents of a run and of their capabilities, as one. The same object twice is once.
 *
 * @throws `config.invalid` when two bring an entry at one path or a variable of one name, and what `parseManifest` throws.
 */
export function mergeManifests(given: readonly OwnedManifest[]): Manifest {
  const entries: Record<string, Manifest['entries'][string]> = {}
  const env: Record<string, string> = {}
  const owners = new Map<string, string>()
  const claim = (what: string, owner: string): void => {
    const first = owners.get(what)
    if (first !== undefined) refuse(what, first, owner)
    owners.set(what, owner)
  }
  const seen = new Set<ManifestInput>()
  for (const { owner, manifest } of given) {
    if (seen.has(manifest)) continue
    seen.add(manifest)
    const parsed = parseManifest(manifest)
    for (const [path, entry] of Object.entries(parsed.entries)) {
      claim(`an entry at "${path}"`, owner)
      entries[path] = entry
    }
    for (const [name, value] of Object.entries(parsed.env)) {
      claim(`the variable "${name}"`, owner)
      env[name] = value
    }
  }
  return parseManifest({ entries, env })
}
