import { readFileSync } from 'node:fs'
import { type Answer, type Fields, parseFields, textOf } from './answer.ts'
import { type ConnectCode, ConnectFailure } from './connect.ts'
import type { Call } from './process-service.ts'
import type { Ended } from './processes.ts'
import type { Sandbox } from './sandboxes.ts'

const SCRIPT = readFileSync(new URL('filesystem.py', import.meta.url), 'utf8')
const CODES: readonly ConnectCode[] = ['not_found', 'invalid_argument', 'already_exists', 'internal']

/** Runs a program inside and gives it bytes, so that the paths and the rights are those of the inside. */
export async function runInside(
  { processes }: Sandbox,
  user: string,
  argv: readonly [string, ...string[]],
  input?: Uint8Array,
): Promise<{ readonly out: Buffer; readonly error: string; readonly code: number | undefined }> {
  const [cmd, ...args] = argv
  const chunks: Record<'stdout' | 'stderr' | 'pty', Buffer[]> = { stdout: [], stderr: [], pty: [] }
  let onEnd: (ended: Ended | undefined) => void = () => undefined
  const ended = new Promise<Ended | undefined>((resolve) => {
    onEnd = resolve
  })
  const config = { cmd, args, envs: {}, cwd: '/' }
  const running = await processes.start(
    { config, user, stdin: input !== undefined },
    {
      data: (stream, bytes) => chunks[stream].push(bytes) > 0,
      end: (how) => onEnd(how),
    },
  )
  if (input !== undefined) {
    // What it does not read is told by its code.
    await running.process.write(input).catch(() => undefined)
    await running.process.close().catch(() => undefined)
  }
  const how = await ended
  return { out: Buffer.concat(chunks.stdout), error: Buffer.concat(chunks.stderr).toString(), code: how?.exitCode }
}

/** One call of the file system. Throws what it refuses. */
export async function callFileSystem(sandbox: Sandbox, user: string, name: string, message: Fields): Promise<Fields> {
  const argv = ['/usr/bin/python3', '-I', '-S', '-c', SCRIPT, name, JSON.stringify(message)] as const
  const { out, error, code } = await runInside(sandbox, user, argv)
  if (code !== 0) throw new ConnectFailure('internal', error || 'the file system does not answer')
  const answer = parseFields(out)
  const failure = CODES.find((known) => known === answer.code)
  if (failure) throw new ConnectFailure(failure, textOf(answer.message) ?? '')
  return answer
}

const procedure = (name: string) => ({
  streams: false,
  run: async ({ sandbox, user, message }: Call): Promise<Answer> => ({
    status: 200,
    body: await callFileSystem(sandbox, user, name, message),
  }),
})

export const FILESYSTEM_PROCEDURES = Object.fromEntries(
  ['ListDir', 'Stat', 'MakeDir', 'Move', 'Remove'].map((name) => [name, procedure(name)]),
)
