import type { LimitName } from '@ringfence/core'
import { expectTrue } from '../assert/assert.ts'
import { limit } from './features.ts'
import { open, type ProviderRequirement, requirement } from './subject.ts'

/** Some seconds of processor time, and an end all the same. */
const BUSY = 'i=0; while [ $i -lt 8000000 ]; do i=$((i+1)); done'

const LIMIT_CHECKS: Readonly<Record<LimitName, { value: number; script: string; check: (output: string) => boolean }>> = {
  fileBytes: {
    value: 1_000_000,
    script: 'head -c 3000000 /dev/zero > big 2>/dev/null; wc -c < big',
    check: (output) => Number(output) <= 1_000_000,
  },
  processes: {
    value: 40,
    script: 'i=0; while [ $i -lt 100 ]; do sleep 5 & i=$((i+1)); done 2>/dev/null; ls -d /proc/[0-9]* | wc -l',
    check: (output) => output.trim() === '' || Number(output.trim()) <= 42,
  },
  memoryBytes: {
    value: 64 * 1024 * 1024,
    script: 'head -c 300000000 /dev/zero | tail -c 299999999 | wc -c',
    check: (output) => output.trim() !== '299999999',
  },
  cpuSeconds: { value: 1, script: `sh -c '${BUSY}'; echo "ended $?"`, check: (output) => /ended (137|152|158)/.test(output) },
  cpus: { value: 0.05, script: cpuShare(), check: (output) => output !== '' && Number(output.trim()) < 25 },
}

/** The hundredths of a second of processor time that a busy loop of about two seconds got. */
function cpuShare(): string {
  return `sh -c 'read up _ < /proc/uptime; end=$(( \${up%.*} + 3 )); while read now _ < /proc/uptime && [ \${now%.*} -lt $end ]; do :; done; read _ _ _ _ _ _ _ _ _ _ _ _ _ u s _ < /proc/$$/stat; echo $((u+s))'`
}

export const limitRequirements: readonly ProviderRequirement[] = Object.entries(LIMIT_CHECKS).map(([key, { value, script, check }]) => {
  const name = key as LimitName
  return requirement(
    `policy.limit.${name}`,
    `The limit "${name}" is enforced where it is declared; elsewhere naming it is refused before anything is made.`,
    async (subject, context) => {
      const workspace = await open(subject, context, { policy: { limits: { [name]: value } } })
      const output = await workspace.exec(script, { timeoutMs: 30_000 }).then(
        ({ stdout }) => stdout,
        () => '',
      )
      expectTrue(check(output), `The limit did not hold: ${JSON.stringify(output)}`)
    },
    limit(name),
  )
})
