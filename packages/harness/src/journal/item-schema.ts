import type { InputPart, Item, ModelResponse, OutputItem, ToolOutput } from '@ringfence/core'
import { z } from 'zod'

// Loose all through: what a service adds to an item is kept, and sent back as it came.
const partSchema: z.ZodType<InputPart> = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('text'), text: z.string() }),
  z.looseObject({ type: z.literal('image'), mediaType: z.string(), data: z.string() }),
])

export const outputSchema: z.ZodType<ToolOutput> = z.union([z.string(), z.array(partSchema)])

const assistantSchema = z.looseObject({
  type: z.literal('message'),
  role: z.literal('assistant'),
  id: z.string().optional(),
  text: z.string(),
  refusal: z.string().optional(),
  phase: z.enum(['commentary', 'final_answer']).optional(),
})
const reasoningSchema = z.looseObject({
  type: z.literal('reasoning'),
  id: z.string().optional(),
  summary: z.array(z.string()),
  raw: z.json().optional(),
})
const callSchema = z.looseObject({
  type: z.literal('tool_call'),
  id: z.string().optional(),
  callId: z.string(),
  name: z.string(),
  arguments: z.string(),
  kind: z.enum(['function', 'custom']),
})
const userSchema = z.looseObject({ type: z.literal('message'), role: z.literal('user'), content: z.array(partSchema) })
const resultSchema = z.looseObject({
  type: z.literal('tool_result'),
  callId: z.string(),
  kind: z.enum(['function', 'custom']),
  output: outputSchema,
})

const outputItemSchema: z.ZodType<OutputItem> = z.union([assistantSchema, reasoningSchema, callSchema])

export const itemSchema: z.ZodType<Item> = z.union([userSchema, outputItemSchema, resultSchema])

export const responseSchema: z.ZodType<ModelResponse> = z.looseObject({
  responseId: z.string().optional(),
  items: z.array(outputItemSchema),
  usage: z.looseObject({
    requests: z.number(),
    inputTokens: z.number(),
    cachedInputTokens: z.number(),
    outputTokens: z.number(),
    reasoningTokens: z.number(),
  }),
})
