import { isRingfenceError, type Provider, RingfenceError, type Sandbox } from '@ringfence/core'
import { MARK, MARK_FILE } from '../contract-snapshot.ts'
import { sh } from '../subject.ts'
import { keeping, type ProviderMutant, provider, sandbox } from './mutate.ts'

/** A fault of what is made of a snapshot. */
function restored(id: string, breaks: readonly string[], script: string): ProviderMutant {
  return created(id, breaks, async (real, [request, context]) => {
    const made = await real.create(request, context)
    if (request.from) await sh(made, script, made.info.workspace)
    return made
  })
}

type Creation = Parameters<Provider['create']>

/** A fault of how one is made. */
function created(id: string, breaks: readonly string[], fault: (real: Provider, creation: Creation) => Promise<Sandbox>): ProviderMutant {
  return keeping(provider(id, breaks, (real) => ({ create: (...creation) => fault(real, creation) })))
}

/** A fault of how one is taken. */
function taken(
  id: string,
  breaks: readonly string[],
  fault: (take: NonNullable<Sandbox['snapshot']>['take'], real: Sandbox) => NonNullable<Sandbox['snapshot']>['take'],
): ProviderMutant {
  return keeping(sandbox(id, breaks, (real) => (real.snapshot ? { snapshot: { take: fault(real.snapshot.take, real) } } : {})))
}

export const snapshotMutants: readonly ProviderMutant[] = [
  restored('snapshot-loses-modes', ['contract.snapshot.workspace'], 'cd -- "$1" && find . -type f -exec chmod 644 {} +'),
  restored('snapshot-of-the-workspace-alone', ['contract.snapshot.outside'], `rm -rf "$HOME/${MARK_FILE}" "/var/tmp/${MARK_FILE}"`),
  restored(
    'snapshot-with-processes',
    ['contract.snapshot.processes'],
    `n=0; sh -c 'sleep 60; :' ${MARK} >/dev/null 2>&1 </dev/null & until grep -qs ${MARK} /proc/$!/cmdline || [ $n -gt 9999 ]; do n=$((n+1)); done`,
  ),
  keeping(
    provider('own-snapshot-of-the-end', ['contract.snapshot.moment'], (real) => {
      const sources = new Map<string, Sandbox>()
      return {
        async create({ from, ...request }, context) {
          const made = await real.create({ ...request, from: from && (await sources.get(from.id)?.snapshot?.take()) }, context)
          const snapshot = {
            take: async () => {
              sources.set(made.info.id, made)
              return { provider: real.profile.name, id: made.info.id, data: {} }
            },
          }
          return { ...made, snapshot }
        },
      }
    }),
  ),
  keeping(
    provider('one-sandbox-a-snapshot', ['contract.snapshot.independent'], (real) => {
      const made = new Map<string, Promise<Sandbox>>()
      return {
        create(request, context) {
          if (!request.from) return real.create(request, context)
          const one = made.get(request.from.id) ?? real.create(request, context)
          made.set(request.from.id, one)
          return one
        },
      }
    }),
  ),
  keeping(
    sandbox('control-directory-is-kept', ['contract.snapshot.control'], (real) => ({
      info: { ...real.info, controlDirectory: real.info.workspace },
    })),
  ),
  created('foreign-snapshots-are-taken', ['contract.snapshot.other-provider'], (real, [{ from, ...request }, context]) =>
    real.create({ ...request, from: from?.provider === real.profile.name ? from : undefined }, context),
  ),
  created('lost-snapshots-are-empty', ['contract.snapshot.not-found', 'contract.snapshot.deleted'], (real, [request, context]) =>
    real.create(request, context).catch((error: unknown) => {
      if (!isRingfenceError(error, 'snapshot.not-found')) throw error
      return real.create({ ...request, from: undefined }, context)
    }),
  ),
  keeping(
    provider('deleting-is-strict', ['contract.snapshot.deleted'], (real) => {
      const deleted = new Set<string>()
      return {
        async deleteSnapshot(snapshot, context) {
          if (deleted.has(snapshot.id)) throw new RingfenceError('snapshot.not-found', 'It was given up already')
          deleted.add(snapshot.id)
          await real.deleteSnapshot?.(snapshot, context)
        },
      }
    }),
  ),
  taken('endpoint-in-the-snapshot', ['contract.snapshot.json'], (take) => async (request) => {
    const snapshot = await take(request)
    return { ...snapshot, data: { ...snapshot.data, url: 'https://example.com' } }
  }),
  taken('copies-cannot-be-kept', ['contract.snapshot.of-the-copy'], (take, real) => async (request) => {
    await sh(real, 'rm -f "$1/second"', real.info.workspace)
    return take(request)
  }),
  taken('the-closed-are-kept', ['contract.snapshot.closed'], (_, real) => async () => ({
    provider: real.profile.name,
    id: 'conformance-nothing',
    data: {},
  })),
]
