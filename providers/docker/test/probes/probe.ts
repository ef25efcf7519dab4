import type { Limits } from '@ringfence/core'

/** What a probe is told of this machine. */
export interface Machine {
  /** The socket of the engine. */
  readonly socketPath: string
  /** The address of the engine on its bridge, with a service on TCP port 80 and one that echoes on UDP port 53. */
  readonly gateway: string
  /** A text that is in an environment of another container, and the name of a file in the shared memory of the engine. */
  readonly canary: string
  /** An abstract Unix socket in the network of the engine. */
  readonly abstractSocket: string
  readonly hostname: string
}

/** One way out, tried from inside. */
export interface Probe {
  readonly id: string
  /** What is tried. */
  readonly what: string
  /** A shell text that ends with 0 exactly when the attempt succeeds. */
  readonly script: string
  /** Who tries it. Default: the user that commands run as. */
  readonly as?: 'root'
  readonly limits?: Limits
  readonly readOnlyRoot?: boolean
  /** What takes exactly this control off a container. */
  readonly off: Off
  /** The first version of the engine that holds it by itself. */
  readonly since?: number
  /** Why this machine cannot show that the attempt succeeds without the control; `undefined` when it can. */
  readonly cannot?: () => string | undefined
}

/** What is said otherwise when a container is made, or who tries it. */
export interface Off {
  readonly host?: Readonly<Record<string, unknown>>
  readonly config?: Readonly<Record<string, unknown>>
  readonly user?: string
}

export type Probes = (machine: Machine) => readonly Probe[]
