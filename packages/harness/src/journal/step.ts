import type { ControlEntry, SnapshotRef, WorkspaceState } from '@ringfence/workspace'
import { z } from 'zod'
import { itemSchema, outputSchema, responseSchema } from './item-schema.ts'

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)
const snapshotSchema = z.custom<SnapshotRef>(isObject)
const workspaceSchema = z.custom<WorkspaceState>(isObject)
const generation = z.int().nonnegative()
const asked = { callId: z.string(), kind: z.enum(['approval', 'unknown-outcome']), argumentsDigest: z.string() }

/** What a run was started with, as digests. */
const pinsSchema = z.object({
  agents: z.record(z.string(), z.object({ instructions: z.string().nullable(), tools: z.string(), output: z.string().nullable() })),
  policy: z.string(),
  manifest: z.string(),
})

/** The bodies of the records that the loop writes. */
const bodySchemas = {
  'run.start': z.object({ agent: z.string(), cwd: z.string().nullable(), pins: pinsSchema, input: z.array(itemSchema) }),
  'run.takeover': z.object({ holder: z.string(), previousEpoch: z.number() }),
  'run.end': z.object({ status: z.literal('completed') }),
  'model.begin': z.object({
    turn: z.int().positive(),
    attempt: z.int().positive(),
    agent: z.string(),
    provider: z.string(),
    model: z.string(),
  }),
  'model.end': z.object({ turn: z.int().positive(), response: responseSchema }),
  /** `generation`: that of the sandbox when it began; 0 for none. */
  'tool.begin': z.object({
    callId: z.string(),
    name: z.string(),
    attempt: z.int().positive(),
    argumentsDigest: z.string(),
    generation,
  }),
  /** A command of a call has its receipt: where. `control` is the place of another user's. */
  'op.started': z.object({
    callId: z.string(),
    opId: z.string(),
    sandboxId: z.string(),
    generation,
    controlToken: z.string(),
    control: z.custom<ControlEntry>(isObject).optional(),
  }),
  'tool.end': z.object({ callId: z.string(), output: outputSchema, isError: z.boolean() }),
  'approval.request': z.object({ name: z.string(), ...asked }),
  'approval.decision': z.object({ approved: z.boolean(), message: z.string().optional(), ...asked }),
  handoff: z.object({ callId: z.string(), from: z.string(), to: z.string() }),
  /** With `provider` and `installation` it is all that leads to the sandbox, also when nothing more is recorded. */
  'sandbox.intent': z.object({
    generation,
    intentId: z.string(),
    from: snapshotSchema.nullable(),
    provider: z.string(),
    installation: z.string(),
  }),
  'sandbox.ready': z.object({
    generation,
    state: workspaceSchema,
    how: z.enum(['created', 'attached', 'restored', 'given']),
  }),
  'sandbox.release': z.object({ generation, destroyed: z.boolean() }),
  snapshot: z.object({ generation, ref: snapshotSchema }),
} as const

export type StepType = keyof typeof bodySchemas
export type StepBody<T extends StepType> = z.output<(typeof bodySchemas)[T]>
export type Pins = StepBody<'run.start'>['pins']

/** One step of a run, typed: what a record says. */
export type Step = {
  [T in StepType]: { readonly type: T; readonly body: StepBody<T>; readonly parent?: string | null | undefined }
}[StepType]

/** A step as it stands in the journal. */
export type RecordedStep = Step & { readonly recordId: string }

const stepSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('run.start'), body: bodySchemas['run.start'] }),
  z.object({ type: z.literal('run.takeover'), body: bodySchemas['run.takeover'] }),
  z.object({ type: z.literal('run.end'), body: bodySchemas['run.end'] }),
  z.object({ type: z.literal('model.begin'), body: bodySchemas['model.begin'] }),
  z.object({ type: z.literal('model.end'), body: bodySchemas['model.end'] }),
  z.object({ type: z.literal('tool.begin'), body: bodySchemas['tool.begin'] }),
  z.object({ type: z.literal('op.started'), body: bodySchemas['op.started'] }),
  z.object({ type: z.literal('tool.end'), body: bodySchemas['tool.end'] }),
  z.object({ type: z.literal('approval.request'), body: bodySchemas['approval.request'] }),
  z.object({ type: z.literal('approval.decision'), body: bodySchemas['approval.decision'] }),
  z.object({ type: z.literal('handoff'), body: bodySchemas.handoff }),
  z.object({ type: z.literal('sandbox.intent'), body: bodySchemas['sandbox.intent'] }),
  z.object({ type: z.literal('sandbox.ready'), body: bodySchemas['sandbox.ready'] }),
  z.object({ type: z.literal('sandbox.release'), body: bodySchemas['sandbox.release'] }),
  z.object({ type: z.literal('snapshot'), body: bodySchemas.snapshot }),
])

/** Whether this release writes records of a type, and so can take them up. */
export function isStepType(type: string): type is StepType {
  return type in bodySchemas
}

/** The step of a record's type and body, or why it is none. */
export function parseStep(type: StepType, body: unknown): { step: Step } | { problem: string } {
  const parsed = stepSchema.safeParse({ type, body })
  return parsed.success ? { step: parsed.data } : { problem: z.prettifyError(parsed.error) }
}
