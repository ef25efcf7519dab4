import { inspect } from 'node:util'

/** Where the value of a secret comes from. It is looked up as late as possible, in the harness. */
export type SecretSource =
  | { readonly kind: 'env'; readonly variable: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'command'; readonly argv: readonly string[] }
  | { readonly kind: 'from'; readonly resolve: () => string | Promise<string> }

/**
 * A secret by name. It prints, inspects and serialises as its name; the value is read by the engine alone, when it is
 * needed.
 */
export interface Secret {
  readonly name: string
  readonly source: SecretSource
  toString(): string
  toJSON(): { readonly secret: string }
}

const BRAND = Symbol.for('ringfence.secret')

function makeSecret(name: string, source: SecretSource): Secret {
  const shown = `secret(${name})`
  const made: Secret = { name, source, toString: () => shown, toJSON: () => ({ secret: name }) }
  // The source may hold a closure over the value, so that it is not shown either.
  for (const key of ['source', 'toString', 'toJSON'] as const) Object.defineProperty(made, key, { enumerable: false })
  Object.defineProperty(made, BRAND, { value: true })
  Object.defineProperty(made, inspect.custom, { value: () => shown })
  return Object.freeze(made)
}

export function isSecret(value: unknown): value is Secret {
  return typeof value === 'object' && value !== null && BRAND in value
}

/** Names of secrets: where their values come from. */
export const secret = {
  /** The variable of the harness's environment. */
  env: (variable: string): Secret => makeSecret(variable, { kind: 'env', variable }),
  /** The content of a file of the harness's machine, without one newline at its end. */
  file: (path: string, name: string = path): Secret => makeSecret(name, { kind: 'file', path }),
  /** What a command of the harness's machine prints, without one newline at its end. */
  command: (argv: readonly string[], name: string): Secret => makeSecret(name, { kind: 'command', argv }),
  /** What a function of the app gives. */
  from: (name: string, resolve: () => string | Promise<string>): Secret => makeSecret(name, { kind: 'from', resolve }),
} as const
