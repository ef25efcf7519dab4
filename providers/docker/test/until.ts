import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until something holds; the time limit is that of the test. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await sleep(50)
}
