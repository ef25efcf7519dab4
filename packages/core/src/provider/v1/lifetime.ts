/** A sandbox that ends by itself unless its life is prolonged: what is left of a dead harness goes away. */
export interface LifetimeFacet {
  /**
   * Lets the sandbox live this long from now on; never shortens it.
   *
   * @param ms milliseconds from now, positive.
   * @throws `sandbox.gone` when it has ended.
   */
  extend(ms: number): Promise<void>
}
