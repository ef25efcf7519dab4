import { RingfenceError, type Sandbox } from '@ringfence/core'
import { type ProviderMutant, provider, suspending } from './mutate.ts'

const nothing = async (): Promise<void> => undefined

/** Remembers whether it is paused. */
function watched(real: Parameters<Parameters<typeof suspending>[2]>[0]): { suspend: typeof real.suspend; isPaused: () => boolean } {
  let paused = false
  const suspend = {
    pause: async () => {
      await real.suspend.pause()
      paused = true
    },
    resume: async () => {
      await real.suspend.resume()
      paused = false
    },
  }
  return { suspend, isPaused: () => paused }
}

export const suspendMutants: readonly ProviderMutant[] = [
  suspending('pause-does-nothing', ['contract.suspend.stands-still', 'contract.suspend.closed', 'pause.command'], () => ({
    suspend: { pause: nothing, resume: nothing },
  })),
  suspending('second-pause-fails', ['contract.suspend.idempotent', 'pause.command'], (real) => {
    const { suspend, isPaused } = watched(real)
    const pause = async (): Promise<void> => {
      if (isPaused()) throw new RingfenceError('provider.failed', 'It is paused already')
      await suspend.pause()
    }
    return { suspend: { ...suspend, pause } }
  }),
  suspending('the-paused-are-not-destroyed', ['contract.suspend.destroy'], (real) => {
    const { suspend, isPaused } = watched(real)
    const destroy = async (): Promise<void> => {
      if (!isPaused()) return real.destroy()
      await suspend.resume()
      await real.release()
    }
    return { suspend, destroy }
  }),
  suspending('the-paused-live-for-ever', ['contract.suspend.lifetime'], (real) => ({
    suspend: {
      ...real.suspend,
      pause: async () => {
        await real.lifetime?.extend(120_000)
        await real.suspend.pause()
      },
    },
  })),
  suspending('the-paused-are-not-prolonged', ['contract.suspend.extend', 'pause.lease-kept'], (real) => {
    const { suspend, isPaused } = watched(real)
    return { suspend, lifetime: { extend: async (ms) => (isPaused() ? undefined : real.lifetime?.extend(ms)) } }
  }),
  provider('the-paused-are-gone', ['contract.suspend.attach', 'pause.attach'], (real) => {
    const paused = new Set<string>()
    const watch = (sandbox: Sandbox): Sandbox => ({
      ...sandbox,
      suspend: {
        pause: async () => {
          await sandbox.suspend?.pause()
          paused.add(sandbox.state.id)
        },
        resume: async () => sandbox.suspend?.resume(),
      },
    })
    return {
      create: async (request, context) => watch(await real.create(request, context)),
      resume: async (state, request, context) => {
        if (paused.has(state.id)) throw new RingfenceError('sandbox.gone', 'It does not answer')
        return real.resume(state, request, context)
      },
    }
  }),
]
