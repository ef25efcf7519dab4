import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { RingfenceError } from '@ringfence/core'

/** Where runs are kept: `$RINGFENCE_HOME`, else below the state folder of the user. Never in the current directory. */
export function storageRoot(env: NodeJS.ProcessEnv): string {
  if (env.RINGFENCE_HOME) return env.RINGFENCE_HOME
  return join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'ringfence')
}

export interface Places {
  readonly journals: string
  readonly snapshots: string
  readonly traces: string
  readonly runs: string
}

export function placesIn(root: string): Places {
  return { journals: join(root, 'journals'), snapshots: join(root, 'snapshots'), traces: join(root, 'traces'), runs: join(root, 'runs') }
}

const RUN_ID = /^[A-Za-z0-9._-]{1,64}$/

/** The path of what belongs to a run. Throws `config.invalid` for what is no id. */
export function runPath(places: Places, runId: string, name: string): string {
  if (!RUN_ID.test(runId) || runId.startsWith('.'))
    throw new RingfenceError('config.invalid', `"${runId}" is not the id of a run`, {
      hint: 'Take it from the last lines of a run.',
      effect: 'none',
    })
  return join(places.runs, `${runId}.${name}`)
}

/** Writes a file of a run, whole or not at all. Returns its path. Throws `config.invalid` when nothing can be kept there. */
export async function saveRunFile(places: Places, runId: string, name: string, content: string): Promise<string> {
  const path = runPath(places, runId, name)
  try {
    await mkdir(places.runs, { recursive: true, mode: 0o700 })
    await writeFile(`${path}.new`, content, { mode: 0o600 })
    await rename(`${path}.new`, path)
  } catch (cause) {
    throw new RingfenceError('config.invalid', `Runs cannot be kept in "${places.runs}": ${String(cause)}`, {
      hint: 'Set RINGFENCE_HOME to a folder that can be written.',
      effect: 'none',
      cause,
    })
  }
  return path
}

/** What a run keeps of how it was started, as JSON. Throws `run.not-found`, and `config.invalid` when it is damaged. */
export async function readRunFile(places: Places, runId: string): Promise<unknown> {
  const path = runPath(places, runId, 'json')
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new RingfenceError('run.not-found', `There is no run "${runId}" here`, {
      hint: `Runs are kept in "${places.runs}".`,
      effect: 'none',
      cause,
    })
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RingfenceError('config.invalid', `The file of the run "${runId}" is damaged: it is not JSON`, {
      hint: 'Nothing of it is used. Start a new run.',
      effect: 'none',
      cause,
    })
  }
}
