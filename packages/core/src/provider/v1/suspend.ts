/** A sandbox that can be stopped where it stands, and go on from there: its processes, memory and connections stay. */
export interface SuspendFacet {
  /**
   * Stops everything in it. Processes that are open stay open and are silent; other calls may wait until `resume`. Its lifetime
   * goes on: what is over while it is paused ends at the latest when the provider makes its next sandbox. Idempotent.
   *
   * @throws `sandbox.gone`, `sandbox.closed`, `provider.failed`.
   */
  pause(): Promise<void>
  /** Lets it go on. Attaching to a paused sandbox does so too. Idempotent. Throws as `pause`. */
  resume(): Promise<void>
}
