import { describeError, isForModel } from '../define-tool.ts'
import type { Session } from './session.ts'
import { FIRST_SESSION_ID, sessionIdOf } from './session-id.ts'

/** Sessions of a run that are followed at once. */
export const MAX_SESSIONS = 64
/** The sessions used last are never ended to make room. */
const PROTECTED_SESSIONS = 8

/** The commands of a run that go on after the call that started them. */
export interface SessionTable {
  /** Takes a session in under the id of its call. Where there is no room, another is ended, and the note says so. */
  add(callId: string, session: Session): Promise<{ readonly id: number; readonly note?: string | undefined }>
  /** The session of an id; from now on it counts as the one used last. */
  use(id: number): Session | undefined
  /** As `use`; a session that is not there is opened, once for all that ask for it at the same time. */
  useOrOpen(id: number, open: () => Promise<Session | undefined>): Promise<{ session: Session; isNew: boolean } | undefined>
  remove(id: number): void
  readonly size: number
}

/** Makes an empty table. */
export function createSessionTable(): SessionTable {
  // In the order of their last use.
  const sessions = new Map<number, Session>()
  const opening = new Map<number, Promise<Session | undefined>>()

  const use = (id: number): Session | undefined => {
    const session = sessions.get(id)
    if (!session) return undefined
    sessions.delete(id)
    sessions.set(id, session)
    return session
  }

  const freeId = (): number => {
    let id = FIRST_SESSION_ID
    while (sessions.has(id)) id++
    return id
  }

  const put = async (id: number, session: Session): Promise<string | undefined> => {
    sessions.delete(id)
    const note = sessions.size >= MAX_SESSIONS ? await makeRoom(sessions) : undefined
    sessions.set(id, session)
    return note
  }

  return {
    async add(callId, session) {
      const id = sessionIdOf(callId) ?? freeId()
      return { id, note: await put(id, session) }
    },
    use,
    async useOrOpen(id, open) {
      const known = use(id)
      if (known) return { session: known, isNew: false }
      const pending =
        opening.get(id) ??
        open().then(async (session) => {
          if (session) await put(id, session)
          return session
        })
      opening.set(id, pending)
      try {
        const session = await pending
        return session && { session, isNew: true }
      } finally {
        opening.delete(id)
      }
    },
    remove: (id) => void sessions.delete(id),
    get size() {
      return sessions.size
    },
  }
}

async function makeRoom(sessions: Map<number, Session>): Promise<string | undefined> {
  const candidates = [...sessions].slice(0, -PROTECTED_SESSIONS)
  const victim = candidates.find(([, session]) => session.end()) ?? candidates[0]
  if (!victim) return undefined
  const [id, session] = victim
  sessions.delete(id)
  if (session.end()) return `Session ${id} had ended; what was unread of it is dropped, since at most ${MAX_SESSIONS} are kept.`
  try {
    await session.stop()
    return `Session ${id} was ended, since at most ${MAX_SESSIONS} can run at once.`
  } catch (error) {
    if (!isForModel(error)) throw error
    return `Session ${id} is followed no more, since at most ${MAX_SESSIONS} are; ending it failed: ${describeError(error)}`
  }
}
