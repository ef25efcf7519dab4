import type { z } from 'zod'
import { RingfenceError } from './ringfence-error.ts'

/** What an issue says; of a union, what each of its forms says. */
function reasonOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue.message
  return [...new Set(issue.errors.map(([first]) => (first ? reasonOf(first) : issue.message)))].join('; or: ')
}

/** Parses with a schema, or throws `config.invalid` that names the place and the rule. */
export function parseWith<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const at = issue && issue.path.length > 0 ? ` at "${issue.path.map(String).join('.')}"` : ''
  throw new RingfenceError('config.invalid', `${what} is not valid${at}: ${issue ? reasonOf(issue) : 'unknown reason'}`, {
    hint: 'Correct the value; nothing was done yet.',
    details: { issues: result.error.issues.map((one) => ({ path: one.path.map(String), message: reasonOf(one) })) },
    effect: 'none',
    cause: result.error,
  })
}
