import type { JsonObject, JsonValue } from '@ringfence/core'
import { z } from 'zod'

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Closes the objects of a schema: a model that may add keys does so. */
function closed(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((one) => closed(one))
  if (!isObject(value)) return value
  const inner = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, one === undefined ? one : closed(one)]))
  if (value.type !== 'object' || !isObject(value.properties) || 'additionalProperties' in value) return inner
  return { ...inner, additionalProperties: false }
}

/** The JSON Schema of a zod schema, as models take it. */
export function jsonSchemaOf(schema: z.ZodType): JsonObject {
  const { $schema: _, ...json }: Record<string, unknown> = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  // A round trip: what a schema holds that is no JSON, such as `undefined`, goes.
  const made: JsonObject = JSON.parse(JSON.stringify(json))
  const result = closed(made)
  return isObject(result) ? result : made
}

/**
 * Tells whether services can hold a model to a schema: every object names all of its properties as required and
 * allows no others.
 */
export function fitsStrict(schema: JsonValue | undefined): boolean {
  if (Array.isArray(schema)) return schema.every((one) => fitsStrict(one))
  if (!isObject(schema)) return true
  if (schema.type === 'object') {
    const names = isObject(schema.properties) ? Object.keys(schema.properties) : []
    const required: JsonValue = schema.required ?? []
    if (schema.additionalProperties !== false || !Array.isArray(required)) return false
    if (!names.every((name) => required.includes(name))) return false
  }
  return Object.values(schema).every((one) => fitsStrict(one))
}
