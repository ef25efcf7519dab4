import type { Goal, Role, Variant } from '../../scenario.ts'
import { expect, timed } from '../../timing.ts'

/** A command whose output is compared with what it should be. */
export function printing(role: Role, name: string, expected: string, run: () => Promise<string>, goal?: Goal): Variant {
  return {
    name,
    role,
    goal,
    async sample() {
      let output: string | undefined
      const ms = await timed(async () => {
        output = await run()
      })
      expect(output === expected, `${name} printed "${output}"`)
      return ms
    },
  }
}
