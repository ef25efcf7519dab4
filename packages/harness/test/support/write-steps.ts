import { FIRST_HASH, type JournalStore, recordHash, systemRuntime } from '@ringfence/core'
import type { Step, StepBody } from '../../src/journal/step.ts'
import { stepWriter } from '../../src/journal/writer.ts'
import { readAll } from './records.ts'

/** The steps of a run that had a sandbox, as a driver writes them. */
export const steps = {
  start: {
    type: 'run.start',
    body: { agent: 'A', cwd: null, pins: { agents: {}, policy: '', manifest: '' }, input: [] },
  },
  intent: (generation: number, provider = 'fake'): Step => ({
    type: 'sandbox.intent',
    body: { generation, intentId: `s${generation}`, from: null, provider, installation: 'ringfence' },
  }),
  ready: (generation: number, id: string, how: StepBody<'sandbox.ready'>['how'] = 'created'): Step => ({
    type: 'sandbox.ready',
    body: {
      generation,
      how,
      state: {
        version: 1,
        runId: 'unused',
        sandbox: { provider: 'fake', id, data: {} },
        control: { version: 1, entries: [] },
        ephemeral: [],
      },
    },
  }),
  release: (generation: number, destroyed: boolean): Step => ({ type: 'sandbox.release', body: { generation, destroyed } }),
  end: { type: 'run.end', body: { status: 'completed' } },
} as const satisfies Record<string, Step | ((...args: never[]) => Step)>

/** Writes steps into a run as one driver. Without `leaseMs` it gives its lease back. */
export async function writeSteps(store: JournalStore, runId: string, written: readonly Step[], leaseMs?: number): Promise<void> {
  const { epoch, length } = await store.open({ runId, holder: `writer ${runId}`, leaseMs: leaseMs ?? 30_000 })
  const last = length === 0 ? undefined : (await readAll(store, runId)).at(-1)
  const writer = stepWriter({
    store,
    runId,
    epoch,
    runtime: systemRuntime,
    length,
    lastHash: last ? recordHash(last) : FIRST_HASH,
    onStaged: () => undefined,
    onDurable: () => undefined,
  })
  for (const step of written) writer.stage(step)
  await writer.flush()
  if (leaseMs === undefined) await store.release(runId, epoch)
}
