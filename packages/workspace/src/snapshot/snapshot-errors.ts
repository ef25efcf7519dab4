import { isRingfenceError, RingfenceError } from '@ringfence/core'
import type { TreeComparison } from '../archive/index.ts'

/** What tar and find say under `LC_ALL=C` when the tree changed while they read it. */
const MOVING = /changed as we read it|removed before we read it|shrank by|File removed|No such file or directory|short read|truncated/i

/** Tells whether another try may see a tree that stands still. */
export function isMovingTree(error: unknown): boolean {
  return isRingfenceError(error, 'fs.failed') && MOVING.test(`${error.message} ${JSON.stringify(error.details)}`)
}

/** A failure inside of the sandbox, as one of the snapshot. Errors of other kinds stay. */
export function takeError(error: unknown): unknown {
  if (!isRingfenceError(error, 'fs.failed')) return error
  const moving = isMovingTree(error)
  return new RingfenceError('snapshot.failed', `The workspace could not be read: ${error.message}`, {
    operation: 'snapshot.take',
    hint: moving ? 'Files kept changing: stop what writes them, and take it again.' : 'Read what the sandbox said; nothing was stored.',
    retry: moving ? 'safe' : 'never',
    effect: 'none',
    cause: error,
  })
}

export function corrupt(id: string, reason: string, cause?: unknown): RingfenceError {
  return new RingfenceError('snapshot.corrupt', `The snapshot "${id}" is damaged: ${reason}`, {
    operation: 'snapshot.restore',
    hint: 'Destroy this sandbox, and restore an older snapshot.',
    cause,
  })
}

/** The tree that came to be is not the one that was stored. */
export function differs(id: string, { differences, more }: TreeComparison): RingfenceError {
  const first = differences[0]
  return new RingfenceError(
    'snapshot.corrupt',
    `The snapshot "${id}" was restored to another tree: "${first?.path ?? ''}" differs in "${first?.kind ?? 'order'}"`,
    {
      operation: 'snapshot.restore',
      hint: 'Destroy this sandbox. The details list what differs.',
      details: { differences, more },
    },
  )
}

export function notFound(id: string): RingfenceError {
  return new RingfenceError('snapshot.not-found', `The store holds no snapshot "${id}"`, {
    operation: 'snapshot.restore',
    hint: 'Check the id and the store.',
    effect: 'none',
  })
}
