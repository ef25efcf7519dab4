import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Where an engine of containers is, and an image that it has. */
export interface Engine {
  readonly socketPath: string
  readonly image: string
}

/** An engine, or why there is none. */
export type EngineAnswer = Engine | { readonly missing: string }

export interface EngineHost {
  /** Starts it, the first time. */
  get(): Promise<EngineAnswer>
  /** Ends it with all that it runs. Idempotent. */
  close(): Promise<void>
}

const CHILD = fileURLToPath(new URL('../child/engine.ts', import.meta.url))

/**
 * An engine of this run alone, in a process of its own that outlives no death of this one: it ends the engine when its standard
 * input closes.
 */
export function engineHost(): EngineHost {
  let opening: Promise<EngineAnswer> | undefined
  let end: (() => Promise<void>) | undefined

  async function open(): Promise<EngineAnswer> {
    // In a group of its own, so that a key that ends this process leaves it time to clean up.
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD], { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
    const closed = once(child, 'close')
    end = async () => {
      child.stdin.end()
      await closed
    }
    const [bytes] = await Promise.race([once(child.stdout, 'data'), closed.then(() => [''])])
    const answer: EngineAnswer = String(bytes) === '' ? { missing: 'its process ended' } : JSON.parse(String(bytes))
    // The client that the peer drives knows no other way.
    if ('socketPath' in answer) process.env.DOCKER_HOST = `unix://${answer.socketPath}`
    return answer
  }

  return {
    get() {
      opening ??= open()
      return opening
    },
    async close() {
      await end?.()
      delete process.env.DOCKER_HOST
    },
  }
}
