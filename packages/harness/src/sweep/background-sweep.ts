import type { JournalStore, Provider, RuntimeContext } from '@ringfence/core'
import type { RunnerOptions } from '../run/run-options.ts'
import { sweepWith } from './sweep.ts'

/** Between two journals that are read, in milliseconds: what the process is there for goes first. */
const PAUSE_MS = 20

const begun = new WeakMap<JournalStore, Set<string>>()

/** Whether a sweep of a journal's runs for a provider is due: once in a process. */
function isFirst(journal: JournalStore, { profile }: Provider): boolean {
  const providers = begun.get(journal) ?? new Set<string>()
  begun.set(journal, providers)
  if (providers.has(profile.name)) return false
  providers.add(profile.name)
  return true
}

/**
 * Sweeps once in a process what earlier processes left, where there are any: not for a journal in memory. No run waits for it, none fails
 * by it, and a process that has nothing else to do ends, at the latest after the run that is being swept.
 */
export function sweepInBackground({ journal, sandbox, ...options }: RunnerOptions, runtime: RuntimeContext): void {
  if (!journal?.isDurable || !sandbox?.find || !isFirst(journal, sandbox)) return
  const pause = (): Promise<void> => runtime.clock.sleep(PAUSE_MS, { unref: true })
  const sweeping = pause().then(() => sweepWith({ ...options, journal, sandbox, runtime }, pause))
  // What failed is swept by the next process, and ends with its lifetime at the latest.
  sweeping.catch(() => undefined)
}
