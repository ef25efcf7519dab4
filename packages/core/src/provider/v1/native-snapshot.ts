import type { JsonObject } from '../../json/json.ts'

/** What the provider keeps of a sandbox under a name of its own. Plain JSON without secrets and endpoints. */
export interface NativeSnapshot {
  readonly provider: string
  readonly id: string
  readonly data: JsonObject
}

/**
 * Snapshots that the provider itself makes and keeps: of the whole file system, also of what is installed outside of the workspace.
 * They are restored by `create({ from })` of the same provider alone.
 */
export interface SnapshotFacet {
  /**
   * Keeps the files as they are, the workspace with them; nothing of what runs. The control directory is left out where it is the
   * provider's own. The sandbox goes on.
   *
   * @throws `snapshot.failed`, `sandbox.gone`, `sandbox.closed`, `provider.failed`; nothing is kept then.
   */
  take(request?: { readonly signal?: AbortSignal | undefined }): Promise<NativeSnapshot>
}
