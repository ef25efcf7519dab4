import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isRingfenceError, type JsonObject, RingfenceError } from '@ringfence/core'

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

function runFile(places: Places, runId: string, name: string): string {
  if (!RUN_ID.test(runId) || runId.startsWith('.'))
    throw new RingfenceError('config.invalid', `"${runId}" is not the id of a run`, {
      hint: 'Take it from the last lines of a run.',
      effect: 'none',
    })
  return join(places.runs, `${runId}.${name}`)
}

/** Writes a file of a run, whole or not at all. Returns its path. */
export async function saveRunFile(places: Places, runId: string, name: string, content: string): Promise<string> {
  const path = runFile(places, runId, name)
  await mkdir(places.runs, { recursive: true, mode: 0o700 })
  await writeFile(`${path}.new`, content, { mode: 0o600 })
  await rename(`${path}.new`, path)
  return path
}

/** The options that a run was started with. Throws `run.not-found`. */
export async function loadRunOptions(places: Places, runId: string): Promise<JsonObject> {
  const path = runFile(places, runId, 'json')
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    if (isRingfenceError(cause)) throw cause
    throw new RingfenceError('run.not-found', `There is no run "${runId}" here`, {
      hint: `Runs are kept in "${places.runs}".`,
      effect: 'none',
      cause,
    })
  }
}
