import { z } from 'zod'
import { parseWith } from '../errors/invalid.ts'
import { parsePattern } from '../host/parse-pattern.ts'
import { ISOLATION_LEVELS } from '../provider/v1/isolation.ts'
import { isSecret, type Secret } from '../secret/secret.ts'

const secretSchema = z.custom<Secret>(isSecret, 'expected a secret, such as secret.env("NAME")')
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable')

/**
 * Where a secret goes inside. `acknowledge` repeats the slot (`env:NAME` or `file:PATH`): whoever writes it knows that
 * commands in the sandbox can read the value.
 */
const slotSchema = z.union([
  z.strictObject({ env: variable, acknowledge: z.string() }),
  z.strictObject({ file: z.string().min(1), acknowledge: z.string() }),
])

const secretUseSchema = z
  .strictObject({ secret: secretSchema, sandbox: slotSchema.optional() })
  .refine((use) => !use.sandbox || use.sandbox.acknowledge === slotName(use.sandbox), {
    message: '`acknowledge` must repeat the slot exactly, as "env:NAME" or "file:PATH"',
    path: ['sandbox', 'acknowledge'],
  })

const count = z.int().positive()

export const policySchema = z.strictObject({
  /** The weakest isolation that will do. Default `process`. */
  minimumIsolation: z.enum(ISOLATION_LEVELS).optional(),
  /** The network of what runs inside: `none` (default), `open`, or the hosts that may be reached. */
  egress: z.union([z.enum(['none', 'open']), z.array(z.string())]).nullish(),
  limits: z
    .strictObject({
      memoryBytes: count.optional(),
      processes: count.optional(),
      cpus: z.number().positive().optional(),
      cpuSeconds: count.optional(),
      fileBytes: count.optional(),
    })
    .optional(),
  /** Users that commands may run as, besides the default one of the sandbox. */
  users: z.array(z.string().min(1)).nullish(),
  /** Known secrets: their values are redacted wherever they turn up, and only the named slots carry them inside. */
  secrets: z.array(secretUseSchema).optional(),
})

/** The name of a slot, as it is acknowledged. */
export function slotName(slot: { env: string } | { file: string }): string {
  return 'env' in slot ? `env:${slot.env}` : `file:${slot.file}`
}

/** What a sandbox may do. It prints and serialises without any value of a secret. */
export type Policy = z.input<typeof policySchema>
export type SecretUse = z.output<typeof secretUseSchema>
export type SecretSlot = z.output<typeof slotSchema>

/** Checks a policy, the patterns of its hosts too. Throws `config.invalid`. */
export function parsePolicy(value: unknown): Policy {
  const policy = parseWith(policySchema, value, 'The policy')
  for (const text of Array.isArray(policy.egress) ? policy.egress : []) parsePattern(text)
  return policy
}
