import type { RefValue } from '@ringfence/core'
import type { Place } from './place.ts'
import { corrupt, failed, invalid, onDisk, systemCode } from './store-errors.ts'

/*
 * A reference is a directory with two files: `head.<number>.<id>`, which is empty, and `<id>`, which holds the value.
 * To replace it is to rename its head: of all that try, in any process, one finds the old name. There is no lock, so
 * that none can be left behind. To create it is to rename a finished directory to a name that must be free.
 */

const NAME = /^[A-Za-z0-9._-]{1,128}$/
const HEAD = /^head\.(\d+)\.(.+)$/
const VERSION = /^(\d{1,15})\.([0-9a-z_-]+)$/

/** Readers that find a reference in the middle of a change look again; each look means that a writer went ahead. */
const LOOKS = 1_000

/**
 * The directory of a reference. Upper case is kept in a mask, for disks that do not tell it from lower case; the `~`
 * keeps `.` and `..` from being what they are elsewhere.
 */
function locate(place: Place, name: string, operation: string): string {
  if (!NAME.test(name))
    throw invalid(
      operation,
      `${JSON.stringify(name)} is no name of a reference`,
      'Use at most 128 of the characters a-z, A-Z, 0-9, ".", "_" and "-".',
    )
  let mask = 0n
  for (const character of name) mask = (mask << 1n) | (character === character.toLowerCase() ? 0n : 1n)
  return `${place.refs}/${name.toLowerCase()}~${mask === 0n ? '' : mask.toString(16)}`
}

/** The value as it is now, or `undefined` when there is no such reference. */
export async function getRef(place: Place, name: string): Promise<RefValue | undefined> {
  const path = locate(place, name, 'getRef')
  const { files, directory } = place
  let moved = false
  for (let look = 0; look < LOOKS; look += 1) {
    let names: readonly string[]
    try {
      names = await files.names(path)
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
      throw failed('getRef', directory, error, 'none')
    }
    // While a head is renamed, a listing may show both of its names; the later one is right.
    const [head] = names
      .flatMap((entry) => {
        const [, number, id] = HEAD.exec(entry) ?? []
        return number !== undefined && id !== undefined ? [{ number: Number(number), id }] : []
      })
      .sort((a, b) => b.number - a.number)
    if (!head) continue
    try {
      return { value: await files.readText(`${path}/${head.id}`), version: `${head.number}.${head.id}` }
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw failed('getRef', directory, error, 'none')
      moved = true
    }
  }
  throw corrupt('getRef', `The reference "${name}" has no ${moved ? 'value' : 'head'}`, { name })
}

/** Writes a reference when it is as expected: `null`, it is not there; or a version. */
export async function setRef(place: Place, name: string, value: string, expected: string | null): Promise<string | undefined> {
  const path = locate(place, name, 'setRef')
  await place.prepare('setRef')
  return expected === null ? createRef(place, path, value) : replaceRef(place, path, value, expected)
}

async function writeValue(place: Place, path: string, value: string): Promise<void> {
  const file = await place.files.create(path)
  try {
    await file.write(Buffer.from(value))
    await file.sync()
  } finally {
    await file.close()
  }
}

async function createRef(place: Place, path: string, value: string): Promise<string | undefined> {
  const { files, directory } = place
  const id = await place.leftovers.unique()
  const aside = `${place.aside}/${id}`
  let made = false
  try {
    await onDisk('setRef', directory, 'none', async () => {
      await files.makeDirectory(aside)
      await writeValue(place, `${aside}/${id}`, value)
      await (await files.create(`${aside}/head.1.${id}`)).close()
      await files.syncDirectory(aside)
    })
    try {
      await files.rename(aside, path)
      made = true
    } catch (error) {
      if (systemCode(error) === 'ENOTEMPTY' || systemCode(error) === 'EEXIST') return undefined
      throw failed('setRef', directory, error, 'none')
    }
    await onDisk('setRef', directory, 'unknown', () => files.syncDirectory(place.refs))
    return `1.${id}`
  } finally {
    if (!made) await removeQuietly(place, aside)
  }
}

async function replaceRef(place: Place, path: string, value: string, expected: string): Promise<string | undefined> {
  const [, number, oldId] = VERSION.exec(expected) ?? []
  if (number === undefined || oldId === undefined) return undefined
  const { files, directory } = place
  const id = await place.leftovers.unique()
  const version = `${Number(number) + 1}.${id}`
  let replaced = false
  try {
    try {
      await writeValue(place, `${path}/${id}`, value)
      await files.rename(`${path}/head.${expected}`, `${path}/head.${version}`)
      replaced = true
    } catch (error) {
      // The reference, or its head of this version, is not there (any more).
      if (systemCode(error) === 'ENOENT') return undefined
      throw failed('setRef', directory, error, 'none')
    }
    await onDisk('setRef', directory, 'unknown', () => files.syncDirectory(path))
    await prune(place, path, oldId)
    return version
  } finally {
    if (!replaced) await removeQuietly(place, `${path}/${id}`)
  }
}

/** Removes the value that was replaced, and those of writers that died before they could rename the head. */
async function prune(place: Place, path: string, oldId: string): Promise<void> {
  await removeQuietly(place, `${path}/${oldId}`)
  try {
    for (const name of await place.files.names(path)) {
      if (await isForsaken(place, path, name)) await place.files.remove(`${path}/${name}`)
    }
  } catch {
    // The reference is written; what is left over is met again at the next write.
  }
}

/**
 * A value whose writer is dead and that is not the present one. The head is read after the writer was seen dead: from
 * then on nobody can make the value the present one.
 */
async function isForsaken(place: Place, path: string, name: string): Promise<boolean> {
  if ((await place.leftovers.writerOf(name)) !== 'dead') return false
  const names = await place.files.names(path)
  return !names.some((entry) => HEAD.exec(entry)?.[2] === name)
}

async function removeQuietly(place: Place, path: string): Promise<void> {
  try {
    await place.files.remove(path)
  } catch {
    // The outcome is decided already; the file is taken for a leftover once this process has ended.
  }
}
