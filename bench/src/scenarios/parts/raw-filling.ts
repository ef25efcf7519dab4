import type { RawEngine } from '../../engine/raw-engine.ts'
import { shell } from '../../floors/run-raw.ts'
import type { Variant } from '../../scenario.ts'
import { timed } from '../../timing.ts'

/** A folder that every image has. */
export const FOLDER = '/tmp'

export const BY_ARCHIVE = 'engine PUT archive'
export const BY_TAR = 'engine exec tar -x'

interface RawFilling {
  readonly archived: () => AsyncGenerator<Uint8Array>
  /** A command that looks at what came, in the folder that it came to, and what is done with its output; not counted. */
  readonly look: string
  readonly check: (printed: string) => void
}

/** Both ways by which an engine takes an archive into a new container. */
export function rawFillings(engine: RawEngine, { archived, look, check }: RawFilling): Variant[] {
  const sample = (fill: () => Promise<string>) => async (): Promise<number> => {
    let id = ''
    const ms = await timed(async () => {
      id = await fill()
    })
    check(await engine.outputOf(id, shell(`cd ${FOLDER} && ${look}`)))
    await engine.remove(id)
    return ms
  }
  const byArchive = async (): Promise<string> => {
    const id = await engine.create()
    await engine.put(id, FOLDER, archived())
    await engine.start(id)
    return id
  }
  const byTar = async (): Promise<string> => {
    const id = await engine.create()
    await engine.start(id)
    await engine.exec(id, ['tar', '-x', '-C', FOLDER, '-f', '-'], { input: archived() })
    return id
  }
  return [
    { name: BY_ARCHIVE, role: 'floor', sample: sample(byArchive) },
    { name: BY_TAR, role: 'reference', sample: sample(byTar) },
  ]
}
