import type { JsonObject, JsonValue } from '@ringfence/core'
import { refuse } from './wire-problem.ts'

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function objectAt(value: JsonValue | undefined, param: string): JsonObject {
  return isObject(value) ? value : refuse(`Invalid type for '${param}': expected an object.`, { param, code: 'invalid_type' })
}

export function textAt(value: JsonValue | undefined, param: string): string {
  return typeof value === 'string' ? value : refuse(`Invalid type for '${param}': expected a string.`, { param, code: 'invalid_type' })
}

export function listAt(value: JsonValue | undefined, param: string): readonly JsonValue[] {
  return Array.isArray(value) ? value : refuse(`Invalid type for '${param}': expected an array.`, { param, code: 'invalid_type' })
}

export function numberAt(value: JsonValue | undefined, param: string, least: number, most: number): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number') return refuse(`Invalid type for '${param}': expected a number.`, { param, code: 'invalid_type' })
  if (value < least) return refuse(`Invalid '${param}': number below minimum value ${least}.`, { param, code: 'decimal_below_min_value' })
  if (value > most) return refuse(`Invalid '${param}': number above maximum value ${most}.`, { param, code: 'decimal_above_max_value' })
  return value
}

/** An image as a data URL; the server fetches nothing. */
export function imageAt(value: JsonValue | undefined, param: string): { type: 'image'; mediaType: string; data: string } {
  const match = /^data:([a-z0-9.+-]+\/[a-z0-9.+-]+);base64,([A-Za-z0-9+/]+=*)$/.exec(textAt(value, param))
  if (!match?.[1] || !match[2]) return refuse(`Invalid '${param}': expected a base64-encoded data URL.`, { param, code: 'invalid_value' })
  return { type: 'image', mediaType: match[1], data: match[2] }
}
