import type { JsonObject, JsonValue } from '@ringfence/core'
import { isObject } from './fields.ts'
import { refuse } from './wire-problem.ts'

function fail(name: string, context: readonly string[], problem: string, param: string): never {
  const path = context.map((part) => `'${part}'`).join(', ')
  refuse(`Invalid schema for ${name}: In context=(${path}), ${problem}`, { param, code: 'invalid_function_parameters' })
}

/** What strict mode demands of each object of a schema: all keys required, no others allowed. */
function checkStrict(schema: JsonValue | undefined, name: string, context: readonly string[], param: string): void {
  if (!isObject(schema)) return
  const below = (value: JsonValue | undefined, ...path: string[]): void => checkStrict(value, name, [...context, ...path], param)
  if (schema.type === 'object' || schema.properties !== undefined) {
    if (schema.additionalProperties !== false)
      fail(name, context, "'additionalProperties' is required to be supplied and to be false.", param)
    const properties = isObject(schema.properties) ? schema.properties : {}
    const required = Array.isArray(schema.required) ? schema.required : []
    const missing = Object.keys(properties).find((key) => !required.includes(key))
    if (missing !== undefined)
      fail(
        name,
        context,
        `'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`,
        param,
      )
    for (const [key, value] of Object.entries(properties)) below(value, 'properties', key)
  }
  if (schema.oneOf !== undefined) fail(name, context, "'oneOf' is not permitted.", param)
  below(schema.items, 'items')
  if (Array.isArray(schema.anyOf)) for (const [index, value] of schema.anyOf.entries()) below(value, 'anyOf', String(index))
  for (const key of ['$defs', 'definitions'])
    for (const [inner, value] of Object.entries(isObject(schema[key]) ? schema[key] : {})) below(value, key, inner)
}

/** Refuses a schema that the service refuses. */
export function checkSchema(schema: JsonObject, strict: boolean, name: string, param: string): void {
  if (schema.type !== 'object')
    fail(name, [], `schema must be a JSON Schema of 'type: "object"', got 'type: ${JSON.stringify(schema.type ?? 'None')}'.`, param)
  if (strict) checkStrict(schema, name, [], param)
}
