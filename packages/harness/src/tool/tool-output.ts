import type { ToolOutput } from '@ringfence/core'
import { z } from 'zod'

const partsSchema = z.array(
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('text'), text: z.string() }),
    z.strictObject({ type: z.literal('image'), mediaType: z.string(), data: z.string() }),
  ]),
)

/** What a model gets to see of a value: text as it is, parts as they are, nothing as "", anything else as JSON. */
export function toToolOutput(value: unknown): ToolOutput {
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return ''
  if (Array.isArray(value) && value.length > 0) {
    const parts = partsSchema.safeParse(value)
    if (parts.success) return parts.data
  }
  return JSON.stringify(value) ?? String(value)
}
