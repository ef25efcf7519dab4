import type { CreateRequest } from '@ringfence/core'
import type { ImageInspectInfo } from 'dockerode'
import { builtImage } from './build.ts'
import { ask, type Engine, outcome } from './engine.ts'
import { checkUser, type Settings } from './options.ts'
import { isRoot } from './profile.ts'
import { invalidName, notHad, pullImage } from './pull.ts'
import type { Share, Wanted } from './share.ts'
import { imageOfSnapshot } from './snapshot.ts'
import type { Image } from './spec.ts'

const NON_ROOT = '1000:1000'

/**
 * The image that options and request want. Those who want one at once that the engine does not have share the work.
 *
 * @throws `sandbox.start-failed` when it cannot be had, `config.invalid` when its name or its context is none, `snapshot.not-found`.
 */
export async function imageOf(engine: Engine, share: Share<void>, settings: Settings, request: CreateRequest): Promise<Image> {
  const { from, signal } = request
  if (from) return imageOfSnapshot(engine, from, settings)
  const wanted = settings.build ? await builtImage(engine, settings.build, signal) : named(engine, settings.image)
  const { name } = wanted
  let there = await findImage(engine, name, signal)
  if (!there) {
    await share(wanted, request)
    there = await findImage(engine, name, signal)
  }
  if (!there) throw notHad(name, 'the engine does not know it afterwards')
  const { User } = there.Config
  const user = settings.user ?? (isRoot(User) ? NON_ROOT : User)
  checkUser('sandbox.create', user)
  return { id: there.Id, name, user }
}

const named = (engine: Engine, name: string): Wanted<void> => ({
  name,
  work: (report, signal) => pullImage(engine, name, report, signal),
})

async function findImage(engine: Engine, name: string, signal: AbortSignal | undefined): Promise<ImageInspectInfo | undefined> {
  const { answer, refusal } = await ask(engine, { operation: 'sandbox.create', signal }, () =>
    outcome([400, 404, 500], engine.client.getImage(encodeURIComponent(name)).inspect()),
  )
  if (refusal && refusal.status !== 404) throw invalidName(name, refusal.message)
  return answer
}
