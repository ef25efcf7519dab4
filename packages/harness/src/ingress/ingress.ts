import { type Item, isRingfenceError, type ModelResponse, RingfenceError, type ToolOutput } from '@ringfence/core'
import type { Redactor, Workspace } from '@ringfence/workspace'

/** Text that comes in pieces: a secret that lies across two of them is found as well. */
export interface TextStream {
  /** What of the text so far can be shown. */
  push(delta: string): string
  /** The rest. */
  end(): string
}

/**
 * The one place where what an app, a model, a tool or a vendor said comes in. Known secrets are taken out here, before anything
 * is folded, run, journalled, traced or shown: what ran is what is journalled.
 */
export interface Ingress {
  text(text: string): string
  stream(): TextStream
  response(response: ModelResponse): ModelResponse
  /** The input of a run. */
  items(items: readonly Item[]): readonly Item[]
  output(output: ToolOutput): ToolOutput
  /** An error that leaves the run. */
  error(error: unknown): unknown
}

function textStream(known: Redactor | undefined, more: (text: string) => string): TextStream {
  if (!known) return { push: more, end: () => '' }
  const bytes = known.stream()
  // A character may come out in two pieces.
  const decoder = new TextDecoder()
  return {
    push: (delta) => more(decoder.decode(bytes(Buffer.from(delta), false), { stream: true })),
    end: () => more(decoder.decode(bytes(new Uint8Array(), true))),
  }
}

/**
 * @param known the secrets of the policy; those of the run's own sandbox are among them.
 * @param given the workspace of the app, which may know others.
 */
export function ingress(known: Redactor | undefined, given: Pick<Workspace, 'redact' | 'redactJson'> | undefined): Ingress {
  const more = (text: string): string => given?.redact(text) ?? text
  const text = (from: string): string => more(known?.text(from) ?? from)
  const json = <T>(from: T): T => {
    const first = known?.json(from) ?? from
    return given?.redactJson(first) ?? first
  }
  return {
    text,
    stream: () => textStream(known, more),
    response: json,
    items: json,
    // Text alone: the bytes of an image are not looked through.
    output: (output) =>
      typeof output === 'string'
        ? text(output)
        : output.map((part) => (part.type === 'text' ? { type: 'text', text: text(part.text) } : part)),
    error(error) {
      if (!(error instanceof Error)) return error
      const message = text(error.message)
      if (message === error.message) return error
      // A cause and a stack may quote the same text, so that they go.
      if (!isRingfenceError(error)) return new RingfenceError('tool.failed', message)
      const { hint, retry, effect, operation } = error
      return new RingfenceError(error.code, message, { hint, retry, effect, operation })
    },
  }
}
