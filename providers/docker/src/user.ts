import { buffer } from 'node:stream/consumers'
import { ask, type Engine, outcome, streamOf } from './engine.ts'
import { errors } from './errors.ts'
import { filesOf } from './tar.ts'

/** The numbers of a user: who folders are given to. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** The largest number that the header of an archive holds. */
const MAX_ID = 0o7777777
const NUMBER = /^[0-9]+$/

/** The numbers of a user of a container; a name is looked up in its image. */
export async function ownerOf(engine: Engine, id: string, user: string, signal: AbortSignal | undefined): Promise<Owner> {
  const [name = '', group] = user.split(':')
  if (NUMBER.test(name)) return checked(user, Number(name), group !== undefined && NUMBER.test(group) ? Number(group) : Number(name))
  const passwd = await readPasswd(engine, id, signal)
  const [, , uid = '', gid = ''] =
    passwd
      .split('\n')
      .map((line) => line.split(':'))
      .find(([one]) => one === name) ?? []
  if (!NUMBER.test(uid) || !NUMBER.test(gid))
    throw errors.invalid('sandbox.create', `The image has no user "${name}"`, 'Name one that it has, or use numbers as in "1000:1000".')
  return checked(user, Number(uid), group !== undefined && NUMBER.test(group) ? Number(group) : Number(gid))
}

function checked(user: string, uid: number, gid: number): Owner {
  if (uid <= MAX_ID && gid <= MAX_ID) return { uid, gid }
  throw errors.invalid('sandbox.create', `The user "${user}" has a number above ${MAX_ID}`, 'Use a smaller one.')
}

/** An image need not have the file; then it has no names either. */
async function readPasswd(engine: Engine, id: string, signal: AbortSignal | undefined): Promise<string> {
  const { answer } = await ask(engine, { operation: 'sandbox.create', signal }, () =>
    outcome(
      [404],
      engine.client
        .getContainer(id)
        .getArchive({ path: '/etc/passwd' })
        .then((stream) => buffer(streamOf(stream))),
    ),
  )
  return answer ? (filesOf(answer)[0]?.content ?? '') : ''
}
