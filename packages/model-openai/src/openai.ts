import type { Model } from '@ringfence/core'
import { ask } from './ask.ts'
import { chatCompletions } from './chat/protocol.ts'
import { type OpenAIOptions, settingsOf } from './options.ts'
import { responses } from './responses/protocol.ts'

/**
 * A model of OpenAI, or of any server that speaks its Responses or Chat Completions API. Nothing is read or sent before
 * the first request, which also loads the `openai` client.
 *
 * @param model the name that the service knows it by, such as `gpt-5.5`.
 * @throws `config.invalid` for an option that cannot be; what a request throws is in the contract of `Model`.
 */
export function openai(model: string, options: OpenAIOptions = {}): Model {
  const settings = settingsOf(model, options)
  const protocol = settings.api === 'responses' ? responses() : chatCompletions()
  return {
    specificationVersion: 'model-v1',
    provider: 'openai',
    name: model,
    toolKinds: protocol.toolKinds,
    stream: (request, call) => ask({ model, settings, protocol }, request, call),
  }
}
