import { request } from 'node:http'
import { KEEPER } from '../../src/scripts.ts'
import { api, socketPath } from '../engine.ts'
import type { Off } from './probe.ts'

/** Makes and starts a container that is as another one, but for what is off. Its folders are copied. */
export async function uncontrolled(like: string, { host, config }: Off): Promise<string> {
  const { Config, HostConfig, Mounts } = await ask('GET', `/containers/${like}/json`)
  const { Id } = await ask('POST', '/containers/create', { ...Config, ...config, HostConfig: { ...HostConfig, ...host } })
  for (const { Destination } of Mounts) await copy(like, Id, Destination)
  await ask('POST', `/containers/${Id}/start`)
  // A process of the keeper, should it have none.
  await rawExec(Id, ['sh', '-c', 'sleep 3000 >/dev/null 2>&1 &'], String(KEEPER))
  return Id
}

/** Runs a program in a container by the engine, and gives what it said on both streams. */
export async function rawExec(
  id: string,
  argv: readonly string[],
  user: string,
  env: readonly string[] = [],
): Promise<{ readonly code: number; readonly output: string }> {
  const body = { AttachStdout: true, AttachStderr: true, Cmd: argv, User: user, Env: env, WorkingDir: '/' }
  const { Id } = await ask('POST', `/containers/${id}/exec`, body)
  const { body: output } = await api('POST', `/exec/${Id}/start`, { Detach: false, Tty: false })
  const { ExitCode } = await ask('GET', `/exec/${Id}/json`)
  return { code: ExitCode, output: output.replace(/[^\x20-\x7e\n]/g, '') }
}

async function ask(method: string, path: string, body?: object): Promise<ReturnType<typeof JSON.parse>> {
  const { status, body: text } = await api(method, path, body)
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`)
  return text === '' ? {} : JSON.parse(text)
}

/** Copies a folder with its owners, as the engine packs it. */
function copy(from: string, to: string, path: string): Promise<void> {
  const query = (folder: string): string => `archive?path=${encodeURIComponent(folder)}`
  return new Promise((resolve, reject) => {
    const reading = request({ socketPath, path: `/containers/${from}/${query(path)}`, headers: { connection: 'close' } })
    reading.on('error', reject)
    reading.on('response', (archive) => {
      api('PUT', `/containers/${to}/${query('/')}`, archive).then(
        ({ status, body }) => (status === 200 ? resolve() : reject(new Error(`The folder "${path}" was not copied: ${status} ${body}`))),
        reject,
      )
    })
    reading.end()
  })
}
