import { z } from 'zod'

/** What a run was started with, kept so that `approve` can go on with it. */
export const runOptionsSchema = z.strictObject({
  repo: z.string(),
  task: z.string(),
  provider: z.string(),
  providerOptions: z.string().optional(),
  model: z.string().optional(),
  api: z.enum(['responses', 'chat-completions']),
  isDemo: z.boolean(),
  nonce: z.string().optional(),
  check: z.string().optional(),
  ask: z.boolean(),
  apply: z.boolean(),
  consent: z.boolean(),
  openNetwork: z.boolean(),
  maxTurns: z.int().positive(),
})

export type RunOptions = z.output<typeof runOptionsSchema>
