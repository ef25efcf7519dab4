import { abortable, type ModelRequest, type ModelResponse, type ModelSettings, RingfenceError, type ToolSpec } from '@ringfence/core'
import type { BoundAgent } from '../agent/bind-agent.ts'
import type { RunSpan } from '../tracing/run-trace.ts'
import { type Drive, enabledTools } from './drive.ts'
import { answeredTurns, usageOf } from './run-fold.ts'
import { uniqueCallIds } from './unique-call-ids.ts'

/** A choice that was asked for holds until a tool was called: kept longer, the model could never end. */
function settingsNow<Context>({ agent }: BoundAgent<Context>, { fold }: Drive<Context>): ModelSettings {
  const { toolChoice, ...rest } = agent.modelSettings
  const wasMet = fold.turn !== undefined && fold.turn.calls.length > 0
  return toolChoice === undefined || toolChoice === 'none' || !wasMet ? agent.modelSettings : rest
}

async function requestOf<Context>(bound: BoundAgent<Context>, drive: Drive<Context>): Promise<ModelRequest> {
  const { context, fold } = drive
  const tools = await enabledTools(bound, context)
  const specs: ToolSpec[] = [...tools.keys()].map((name) => bound.spec(name))
  return {
    instructions: drive.ingress.text(await bound.instructions({ context, usage: usageOf(fold) })),
    // The history itself: it grows after this call, and is never copied.
    input: fold.history,
    tools: specs,
    output: bound.output,
    settings: settingsNow(bound, drive),
  }
}

/** Streams the answer. Deltas go out redacted; a stream that ends without its last event is no answer. */
async function receive<Context>(
  bound: BoundAgent<Context>,
  drive: Drive<Context>,
  request: ModelRequest,
  turn: number,
): Promise<ModelResponse> {
  const { runtime, signal, fold, ingress } = drive
  const call = { ...runtime, signal, idempotencyKey: `${fold.runId}.${turn}` }
  const events = bound.model.stream(request, call)[Symbol.asyncIterator]()
  const shown = { 'text-delta': ingress.stream(), 'reasoning-delta': ingress.stream() }
  const show = (type: keyof typeof shown, delta: string): void => {
    if (delta !== '') drive.emit({ type, turn, delta })
  }
  let isDone = false
  try {
    for (;;) {
      const { value: event, done } = await abortable(events.next(), signal)
      if (done) {
        isDone = true
        throw new RingfenceError('model.interrupted', `The answer of "${bound.model.name}" ended before it was complete`, {
          provider: bound.model.provider,
          operation: 'model.stream',
          hint: 'Run it again; a part of an answer is never taken for one.',
          retry: 'safe',
        })
      }
      if (event.type === 'completed') {
        show('reasoning-delta', shown['reasoning-delta'].end())
        show('text-delta', shown['text-delta'].end())
        return ingress.response(event.response)
      }
      show(event.type, shown[event.type].push(event.delta))
      await abortable(drive.drained(), signal)
    }
  } finally {
    // One that is left in the middle is told so; how it takes that is its own affair.
    if (!isDone) events.return?.().catch(() => undefined)
  }
}

function endSpan(span: RunSpan, { responseId, usage }: ModelResponse): void {
  span.set({
    'gen_ai.response.id': responseId,
    'gen_ai.usage.input_tokens': usage.inputTokens,
    'gen_ai.usage.output_tokens': usage.outputTokens,
    'gen_ai.usage.cached_input_tokens': usage.cachedInputTokens,
    'gen_ai.usage.reasoning_tokens': usage.reasoningTokens,
  })
  span.end()
}

/**
 * Asks the model for the next turn. That it is asked is durable before; its answer is staged, and durable before
 * anything is done about it.
 */
export async function askModel<Context>(bound: BoundAgent<Context>, drive: Drive<Context>, turnSpan: RunSpan): Promise<void> {
  const { fold, trace, stage } = drive
  const turn = answeredTurns(fold) + 1
  const attempt = fold.turn?.turn === turn ? fold.turn.attempts + 1 : 1
  const request = await requestOf(bound, drive)
  const { provider, name } = bound.model
  const beginId = stage({ type: 'model.begin', body: { turn, attempt, agent: bound.agent.name, provider, model: name } })
  await drive.flush()
  const span = trace.span(`chat ${name}`, `${fold.runId}.${turn}.model`, {
    parent: turnSpan,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': provider,
      'gen_ai.request.model': name,
      'gen_ai.conversation.id': fold.runId,
    },
  })
  try {
    const response = uniqueCallIds(await receive(bound, drive, request, turn), fold.callIds)
    stage({ type: 'model.end', parent: beginId, body: { turn, response } })
    endSpan(span, response)
  } catch (error) {
    span.end({ message: drive.ingress.text(error instanceof Error ? error.message : String(error)) })
    throw error
  }
}
