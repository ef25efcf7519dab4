import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, errors } from './errors.ts'
import type { Layout } from './layout.ts'

/** The time since the machine started, in hundredths of a second: the same clock that the keeper reads with a builtin. */
function uptime(): number {
  const [seconds = '0'] = readFileSync('/proc/uptime', 'utf8').split(' ')
  return Math.round(Number(seconds) * 100)
}

/** Writes until when a holder wants the sandbox to live, never earlier than before. The keeper takes the latest of all holders. */
export function writeLease(directory: string, holder: string, ms: number): void {
  const path = join(directory, `lease.${holder}`)
  const until = Math.min(uptime() + Math.ceil(ms / 10), Number.MAX_SAFE_INTEGER)
  if (existsSync(path) && Number(readFileSync(path, 'utf8')) >= until) return
  const made = join(directory, `.lease-${holder}`)
  writeFileSync(made, `${until}\n`, { mode: 0o600 })
  renameSync(made, path)
}

/**
 * Prolongs a sandbox that lives.
 *
 * @throws `sandbox.gone` when it is being ended: the keeper writes its mark before it reads the leases for the last time.
 */
export function prolong(layout: Layout, holder: string, ms: number): void {
  try {
    writeLease(layout.directory, holder, ms)
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') throw errors.gone('lifetime.extend', layout.id, cause)
    throw errors.failed('lifetime.extend', `The lease could not be written: ${String(cause)}`, cause)
  }
  if (existsSync(layout.ended)) throw errors.gone('lifetime.extend', layout.id)
}
