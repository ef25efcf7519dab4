import { join } from 'node:path'
import { type SandboxRef, sha256 } from '@ringfence/core'

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

/** Where the parts of one sandbox lie on the host. */
export type Layout = Readonly<ReturnType<typeof layoutOf>>

/** The places of a sandbox below the state directory. Of them `workspace` to `requests` alone are seen inside. */
export function layoutOf(root: string, id: string) {
  const directory = join(root, id)
  const at = (name: string): string => join(directory, name)
  return {
    id,
    directory,
    workspace: at('workspace'),
    control: at('control'),
    temporary: at('tmp'),
    home: at('home'),
    /** Read-only inside: the FIFOs and the arguments of each process. */
    requests: at('requests'),
    /** The FIFO that the loop inside reads. */
    commands: at('requests/commands'),
    /** The FIFO whose other end the keeper holds as long as there is anything of the sandbox. */
    life: at('life'),
    /** What bubblewrap is told. */
    arguments: at('arguments'),
    /** The directories of its control groups, a line each. */
    cgroups: at('cgroups'),
    /** Written before anything is started. */
    intent: at('intent.json'),
    /** Written when the sandbox can be used. */
    ready: at('ready.json'),
    /** There as soon as the sandbox is being ended. */
    ended: at('ended'),
    /** What bubblewrap says of itself: the host's number of the first process inside. */
    info: at('info'),
  }
}
