import { type Model, RingfenceError } from '@ringfence/core'
import { openai } from '@ringfence/model-openai'
import { embeddedModel } from '../demo/embedded-model.ts'

export interface ChosenModel {
  readonly model: Model
  /** What is said of it on the screen. */
  readonly description: string
  close(): Promise<void>
}

export interface ModelChoice {
  readonly name: string | undefined
  readonly api: 'responses' | 'chat-completions'
  /** Whether the bundled example is worked on. */
  readonly isDemo: boolean
  readonly env: NodeJS.ProcessEnv
}

const nothing = async (): Promise<void> => undefined

/**
 * The model of a run: a service when a key or a base URL is set, else the embedded one, which knows the bundled
 * example alone.
 *
 * @throws `config.invalid` for a repository without a model.
 */
export async function chooseModel({ name, api, isDemo, env }: ModelChoice): Promise<ChosenModel> {
  const { OPENAI_API_KEY: key, OPENAI_BASE_URL: baseURL } = env
  if (key || baseURL) {
    if (!name && baseURL)
      throw new RingfenceError('config.invalid', 'OPENAI_BASE_URL is set, and no model is named', {
        hint: 'Name one that the server knows: --model NAME.',
        effect: 'none',
      })
    const chosen = name ?? 'gpt-5.5'
    // Servers of one's own often ask for no key; the protocol wants one all the same.
    const model = openai(chosen, { api, ...(baseURL ? { baseURL } : {}), ...(key ? {} : { apiKey: 'no-key-is-needed' }) })
    return { model, description: `${chosen} at ${baseURL ? new URL(baseURL).host : 'the OpenAI API'}`, close: nothing }
  }
  if (!isDemo)
    throw new RingfenceError('config.invalid', 'There is no model for this task', {
      hint: 'Set OPENAI_API_KEY, or OPENAI_BASE_URL for a compatible server. The embedded model knows the bundled example alone.',
      effect: 'none',
    })
  const { model, server } = await embeddedModel()
  return {
    model,
    description: 'embedded, without weights: OPENAI_API_KEY is not set. It tries small edits until the tests pass',
    close: () => server.close(),
  }
}
