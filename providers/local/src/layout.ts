import { join } from 'node:path'
import { type SandboxRef, sha256 } from '@ringfence/core'

/** Where the parts of one sandbox lie on the host. Only `workspace`, `control`, `temporary`, `home` and `requests` are seen inside. */
export interface Layout {
  readonly id: string
  readonly directory: string
  readonly workspace: string
  readonly control: string
  readonly temporary: string
  readonly home: string
  /** Read-only inside: the FIFOs and the arguments of each process. */
  readonly requests: string
  /** The FIFO whose other end the keeper holds as long as there is anything of the sandbox. */
  readonly life: string
  /** The FIFO that the loop inside reads. */
  readonly commands: string
  readonly arguments: string
  readonly cgroups: string
  /** Written before anything is started. */
  readonly intent: string
  /** Written when the sandbox can be used. */
  readonly ready: string
  /** There as soon as the sandbox is being ended. */
  readonly ended: string
  /** What bubblewrap says of itself: the host's number of the first process inside. */
  readonly info: string
}

/** What an id looks like. Nothing else becomes a part of a path. */
export const ID_PATTERN = /^[0-9a-f]{32}$/

/** The id of an intent: the same for every process that asks. */
export function idOf(ref: SandboxRef): string {
  return sha256([ref.installation, ref.runId, ref.intentId].join('\0')).slice(0, 32)
}

/**
 * A user id of the host for one sandbox, out of 134 million that no distribution gives to anybody. Two sandboxes of one
 * id are refused at creation.
 */
export function hostUserOf(id: string): number {
  return 0x70_00_00_00 + (Number.parseInt(id.slice(0, 7), 16) >>> 1)
}

/** The places of a sandbox below the state directory. */
export function layoutOf(root: string, id: string): Layout {
  const directory = join(root, id)
  const at = (name: string): string => join(directory, name)
  return {
    id,
    directory,
    workspace: at('workspace'),
    control: at('control'),
    temporary: at('tmp'),
    home: at('home'),
    requests: at('requests'),
    life: at('life'),
    commands: at('requests/commands'),
    arguments: at('arguments'),
    cgroups: at('cgroups'),
    intent: at('intent.json'),
    ready: at('ready.json'),
    ended: at('ended'),
    info: at('info'),
  }
}
