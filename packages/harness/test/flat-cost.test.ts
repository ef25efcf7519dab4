import type { JournalRecord, JournalStore, ModelRequest } from '@ringfence/core'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { Agent, memoryJournal, Runner, tool } from '../src/index.ts'
import { call, say, scriptedModel } from './support/scripted-model.ts'

const TURNS = 500

/** Counts the bytes and the appends of each turn. */
function countingStore(store: JournalStore): { store: JournalStore; bytes: number[]; appends: number[] } {
  const bytes: number[] = []
  const appends: number[] = []
  return {
    bytes,
    appends,
    store: {
      ...store,
      read() {
        throw new Error('a run that goes on reads nothing')
      },
      async append(runId: string, records: readonly JournalRecord[]) {
        bytes.push(JSON.stringify(records).length)
        appends.push(records.length)
        await store.append(runId, records)
      },
    },
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

it('costs of a turn what the turn adds, at the end of a long run as at its beginning', async () => {
  const { store, bytes, appends } = countingStore(memoryJournal())
  const step = tool({ name: 'step', description: 'Steps.', parameters: z.object({}), execute: () => 'a result of some length' })
  const scripted = scriptedModel([...Array.from({ length: TURNS - 1 }, () => [call('step', {})]), [say('done')]])
  const inputs = new Set<ModelRequest['input']>()
  const model = {
    ...scripted,
    stream: (request: ModelRequest, modelCall: Parameters<typeof scripted.stream>[1]) => {
      inputs.add(request.input)
      return scripted.stream({ ...request, input: [] }, modelCall)
    },
  }
  const result = await new Runner({ journal: store, maxTurns: TURNS }).run(new Agent({ name: 'A', model, tools: [step] }), 'go', {
    runId: 'run_x',
  })
  expect(result.usage.requests).toBe(TURNS)
  // Two appends a turn: the results with the next question, the answer with what it begins.
  expect(appends).toHaveLength(TURNS * 2)
  const perTurn = Array.from({ length: TURNS }, (_, turn) => sum(bytes.slice(turn * 2, turn * 2 + 2)))
  const first = sum(perTurn.slice(1, 21))
  const last = sum(perTurn.slice(-21, -1))
  expect(last / first).toBeLessThan(1.2)
  // The input of the model is one array that grows: nothing is put together anew.
  expect(inputs.size).toBe(1)
})
