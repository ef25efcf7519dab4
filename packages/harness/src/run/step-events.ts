import type { RecordedStep } from '../journal/step.ts'
import { interruptionsOf } from './interruption.ts'
import type { RunEvent } from './run-event.ts'
import type { RunFold } from './run-fold.ts'

/** What a step that is durable now means to whoever watches. */
export function eventsOf(step: RecordedStep, fold: RunFold): readonly RunEvent[] {
  const itemOf = (callId: string) => fold.turn?.calls.find((call) => call.callId === callId)?.item
  switch (step.type) {
    case 'model.begin':
      return [{ type: 'turn', turn: step.body.turn, attempt: step.body.attempt, agent: step.body.agent }]
    case 'model.end':
      return step.body.response.items.map((item) => ({ type: 'item', turn: step.body.turn, item }))
    case 'tool.begin': {
      const { callId, name, attempt } = step.body
      return [{ type: 'tool-begin', callId, name, arguments: itemOf(callId)?.arguments ?? '', attempt }]
    }
    case 'tool.end': {
      const { callId, output, isError } = step.body
      return [{ type: 'tool-end', callId, name: itemOf(callId)?.name ?? '', output, isError }]
    }
    case 'approval.request': {
      const interruption = interruptionsOf(fold).find(({ callId }) => callId === step.body.callId)
      return interruption ? [{ type: 'interruption', interruption }] : []
    }
    case 'handoff':
      return [{ type: 'handoff', from: step.body.from, to: step.body.to }]
    case 'sandbox.ready':
      return [{ type: 'sandbox', phase: step.body.how, generation: step.body.generation }]
    case 'sandbox.release':
      return [{ type: 'sandbox', phase: step.body.destroyed ? 'destroyed' : 'released', generation: step.body.generation }]
    case 'snapshot':
      return [{ type: 'snapshot', ref: step.body.ref }]
    case 'run.start':
    case 'run.takeover':
    case 'run.end':
    case 'approval.decision':
    case 'op.started':
    case 'sandbox.intent':
      return []
  }
}
