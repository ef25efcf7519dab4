/** OpenAI models, and every server that speaks Responses or Chat Completions. */
export { openai } from './openai.ts'
export type { OpenAIOptions } from './options.ts'
