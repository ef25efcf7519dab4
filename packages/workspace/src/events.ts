/** What happens in a workspace, in order. Texts are redacted. */
export type WorkspaceEvent =
  | { readonly type: 'sandbox.creating'; readonly provider: string }
  /** What a long creation is at; `fraction` is 0 to 1 where it is known. */
  | {
      readonly type: 'sandbox.progress'
      readonly stage: 'pulling' | 'building'
      readonly message: string
      readonly fraction?: number | undefined
    }
  | {
      readonly type: 'sandbox.ready'
      readonly provider: string
      readonly sandboxId: string
      readonly isolation: string
      readonly attached: boolean
    }
  /** Content on its way in; the last one has `done`. */
  | { readonly type: 'materialise'; readonly files: number; readonly bytes: number; readonly done: boolean }
  /** A path of a local source that was not taken, and why. */
  | { readonly type: 'source.left-out'; readonly path: string; readonly reason: string }
  | { readonly type: 'command.started'; readonly opId: string; readonly command: string; readonly cwd: string }
  | {
      readonly type: 'command.ended'
      readonly opId: string
      readonly exitCode: number | null
      readonly signal: string | null
      readonly timedOut: boolean
      readonly durationMs: number
      /** The code of the error, or `aborted`, when how it ended is not known; else `null`. */
      readonly error: string | null
    }
  /** A port of the sandbox can be reached. */
  | { readonly type: 'port.opened'; readonly port: number; readonly url: string }
  | { readonly type: 'snapshot'; readonly id: string; readonly treeDigest: string }
  | { readonly type: 'sandbox.destroyed'; readonly sandboxId: string }

export type OnWorkspaceEvent = (event: WorkspaceEvent) => void
