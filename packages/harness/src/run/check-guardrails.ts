import { abortable, RingfenceError } from '@ringfence/core'
import type { Agent } from '../agent/agent.ts'
import type { GuardrailResult } from '../agent/guardrail.ts'
import type { Drive } from './drive.ts'

/** Asks all at once. Throws `guardrail.tripped`, what a guardrail throws, the reason of the signal. */
async function check(
  kind: 'input' | 'output',
  agent: string,
  asked: readonly { readonly name: string; readonly result: Promise<GuardrailResult> }[],
  signal: AbortSignal,
): Promise<void> {
  const results = await abortable(Promise.all(asked.map(async ({ name, result }) => ({ name, ...(await result) }))), signal)
  const tripped = results.find(({ tripwireTriggered }) => tripwireTriggered)
  if (!tripped) return
  throw new RingfenceError('guardrail.tripped', `The ${kind} guardrail "${tripped.name}" of the agent "${agent}" stopped the run`, {
    hint: 'The details tell what it found.',
    effect: kind === 'input' ? 'none' : 'done',
    details: { guardrail: tripped.name, kind, outputInfo: tripped.outputInfo },
  })
}

/** Holds the input of a run against the guardrails of the agent that it begins with. */
export async function checkInput<Context>(
  { name, inputGuardrails }: Agent<Context, unknown>,
  { fold, context, signal }: Drive<Context>,
): Promise<void> {
  const input = fold.history.slice(0, fold.inputLength)
  const asked = inputGuardrails.map((one) => ({
    name: one.name,
    result: (async () => one.execute({ input, context, agent: name, signal }))(),
  }))
  await check('input', name, asked, signal)
}

/** Holds the final output against the guardrails of the agent that gave it. */
export async function checkOutput<Context>(
  { name, outputGuardrails }: Agent<Context, unknown>,
  agentOutput: unknown,
  { context, signal }: Drive<Context>,
): Promise<void> {
  const asked = outputGuardrails.map((one) => ({
    name: one.name,
    result: (async () => one.execute({ agentOutput, context, agent: name, signal }))(),
  }))
  await check('output', name, asked, signal)
}
