import { isRingfenceError } from '@ringfence/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Agent, type InputGuardrail, memoryJournal, type OutputGuardrail, Runner, run } from '../src/index.ts'
import { say, scriptedModel } from './support/scripted-model.ts'

const tripped = (error: unknown) => isRingfenceError(error, 'guardrail.tripped')

describe('a guardrail', () => {
  it('of the input stops the run before the model is asked', async () => {
    const model = scriptedModel([[say('hi')]])
    const noSecrets: InputGuardrail<{ strict: boolean }> = {
      name: 'no-secrets',
      execute: ({ input, context }) => ({
        tripwireTriggered: context.strict && JSON.stringify(input).includes('password'),
        outputInfo: { word: 'password' },
      }),
    }
    const agent = new Agent({ name: 'A', model, inputGuardrails: [noSecrets] })
    const refused = run(agent, 'my password', { context: { strict: true } })
    await expect(refused).rejects.toSatisfy(tripped)
    await expect(refused).rejects.toMatchObject({ details: { guardrail: 'no-secrets', kind: 'input', outputInfo: { word: 'password' } } })
    expect(model.requests).toHaveLength(0)
    expect((await run(agent, 'my password', { context: { strict: false } })).finalOutput).toBe('hi')
  })

  it('of the output stops the run before it ends, in its form; the answer is not paid for again', async () => {
    const model = scriptedModel([[say('{"n":7}')]])
    let limit = 5
    const small: OutputGuardrail = {
      name: 'small',
      execute: ({ agentOutput }) => ({ tripwireTriggered: z.object({ n: z.number() }).parse(agentOutput).n > limit }),
    }
    const agent = new Agent({ name: 'A', model, outputType: z.object({ n: z.number() }), outputGuardrails: [small] })
    const runner = new Runner({ journal: memoryJournal() })
    await expect(runner.run(agent, 'go', { runId: 'run_x' })).rejects.toSatisfy(tripped)
    limit = 10
    expect((await runner.run(agent, await runner.load(agent, 'run_x'))).finalOutput).toEqual({ n: 7 })
    expect(model.requests).toHaveLength(1)
  })

  it('that throws ends the run with its error', async () => {
    const agent = new Agent({
      name: 'A',
      model: scriptedModel([[say('hi')]]),
      inputGuardrails: [
        {
          name: 'broken',
          execute() {
            throw new Error('no')
          },
        },
      ],
    })
    await expect(run(agent, 'go')).rejects.toThrow('no')
  })
})
