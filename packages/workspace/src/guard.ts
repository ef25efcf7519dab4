import { RingfenceError, type WorkspaceHandle } from '@ringfence/core'
import type { Redactor } from './redact/index.ts'
import { redactError } from './redact-error.ts'

type AsyncCall<A extends readonly unknown[], R> = (...args: A) => Promise<R>

/** Stands before every call: it needs an open workspace, and what it throws holds no value of a secret. */
export interface Guard {
  call<A extends readonly unknown[], R>(call: AsyncCall<A, R>): AsyncCall<A, R>
  stream<A extends readonly unknown[], T>(call: (...args: A) => AsyncIterable<T>): (...args: A) => AsyncIterable<T>
}

export function guard(id: string, redactor: Redactor, isClosed: () => boolean): Guard {
  const checkOpen = (): void => {
    if (!isClosed()) return
    throw new RingfenceError('sandbox.closed', `The workspace of the sandbox "${id}" was released or destroyed`, {
      hint: 'Open it again, with `resume` when the sandbox still lives.',
      effect: 'none',
    })
  }
  return {
    call:
      (call) =>
      async (...args) => {
        checkOpen()
        try {
          return await call(...args)
        } catch (error) {
          throw redactError(error, redactor)
        }
      },
    stream: (call) =>
      async function* (...args) {
        checkOpen()
        try {
          yield* call(...args)
        } catch (error) {
          throw redactError(error, redactor)
        }
      },
  }
}

type Calls = Omit<WorkspaceHandle, 'root' | 'provider' | 'hasPty'>

/** Puts a guard before every call of a handle. */
export function guardCalls({ call, stream }: Guard, calls: Calls): Calls {
  return {
    exec: call(calls.exec),
    spawn: call(calls.spawn),
    attach: call(calls.attach),
    readFile: call(calls.readFile),
    readText: call(calls.readText),
    readStream: stream(calls.readStream),
    writeFile: call(calls.writeFile),
    list: call(calls.list),
    stat: call(calls.stat),
    remove: call(calls.remove),
    mkdir: call(calls.mkdir),
    rename: call(calls.rename),
  }
}
