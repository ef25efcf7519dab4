import { RingfenceError, throwIfAborted } from '@ringfence/core'
import type { BoundAgent } from '../agent/bind-agent.ts'
import { askModel } from './ask-model.ts'
import { checkInput } from './check-guardrails.ts'
import type { Drive } from './drive.ts'
import { runCalls } from './run-calls.ts'
import { answeredTurns, openCalls, type RunFold } from './run-fold.ts'

type NextStep = 'ask-model' | 'run-calls' | 'paused' | 'final'

/** What comes next follows from the records alone, in a fresh run and in one that was taken up. */
function nextStep(fold: RunFold): NextStep {
  const { turn } = fold
  if (!turn || turn.endId === undefined) return 'ask-model'
  if (turn.calls.length === 0) return 'final'
  const open = openCalls(fold)
  if (open.length === 0) return 'ask-model'
  return open.every((call) => call.asked !== undefined) ? 'paused' : 'run-calls'
}

function agentOf<Context>({ agents }: Drive<Context>, name: string): BoundAgent<Context> {
  const bound = agents.get(name)
  if (bound) return bound
  throw new RingfenceError('run.changed', `The journal names the agent "${name}", which is not among the agents of this run`, {
    hint: 'Resume with the same definitions.',
    effect: 'none',
  })
}

function checkTurns<Context>({ fold, maxTurns }: Drive<Context>): void {
  if (answeredTurns(fold) < maxTurns) return
  throw new RingfenceError('run.max-turns', `The run "${fold.runId}" did not come to an end within ${maxTurns} turns`, {
    hint: 'Raise `maxTurns`, or make the task smaller; loaded from its journal, the run goes on.',
    effect: 'done',
    details: { runId: fold.runId, maxTurns },
  })
}

/** Drives a run until it has its final answer or waits for a person. Nothing of it is kept but the fold. */
export async function runLoop<Context>(drive: Drive<Context>): Promise<'final' | 'paused'> {
  const { fold, trace } = drive
  let started: string | undefined
  if (answeredTurns(fold) === 0) await checkInput(agentOf(drive, fold.agent).agent, drive)
  for (;;) {
    throwIfAborted(drive.signal)
    const step = nextStep(fold)
    if (step === 'final' || step === 'paused') return step
    if (step === 'ask-model') checkTurns(drive)
    const turn = step === 'ask-model' ? answeredTurns(fold) + 1 : (fold.turn?.turn ?? 1)
    const span = trace.span(`turn ${turn}`, `${fold.runId}.${turn}`, { parent: drive.span, attributes: { 'ringfence.turn': turn } })
    try {
      if (step === 'ask-model') {
        const bound = agentOf(drive, fold.agent)
        if (started !== fold.agent) await drive.hooks.start(bound.agent)
        started = fold.agent
        await askModel(bound, drive, span)
      }
      if (nextStep(fold) === 'run-calls') await runCalls(agentOf(drive, fold.turn?.agent ?? fold.agent), drive, span)
      span.end()
    } catch (error) {
      span.end({ message: drive.ingress.text(error instanceof Error ? error.message : String(error)) })
      throw error
    }
  }
}
