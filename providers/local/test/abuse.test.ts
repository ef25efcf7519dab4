import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { openWorkspace } from '@ringfence/workspace'
import { expect, test } from 'vitest'
import { local } from '../src/index.ts'

const run = promisify(execFile)
const MIB = 1024 * 1024
const has = local().resolve().limits
const limits = {
  ...(has.includes('processes') ? { processes: 200 } : {}),
  ...(has.includes('memoryBytes') ? { memoryBytes: 256 * MIB } : {}),
  fileBytes: 200 * MIB,
}

const ABUSES: Readonly<Record<string, string>> = {
  'a fork bomb': 'b() { b | b & }; b; sleep 3',
  'a file of 10 GB': 'dd if=/dev/zero of=big bs=1M count=10240 2>/dev/null; ls -l big; sleep 1',
  'a memory hog': 'head -c 2000000000 /dev/zero | tail -c 1999999999 | wc -c',
  'a flood of output': 'yes "a line of a flood that never ends" | head -c 300000000',
  '100,000 files':
    'i=0; while [ $i -lt 100 ]; do mkdir d$i; (cd d$i; j=0; while [ $j -lt 1000 ]; do : > f$j; j=$((j+1)); done); i=$((i+1)); done; find . -type f | wc -l',
  'a busy loop on every core': 'for i in 1 2 3 4; do (while :; do :; done) & done; sleep 3',
}

/** The control groups of this provider that are there now. */
function groups(): number {
  const roots = ['/sys/fs/cgroup', '/sys/fs/cgroup/pids', '/sys/fs/cgroup/memory', '/sys/fs/cgroup/freezer', '/sys/fs/cgroup/unified']
  return roots.flatMap((root) => (existsSync(root) ? readdirSync(root).filter((name) => name.includes('ringfence')) : [])).length
}

/** The processes of a user of the host. */
function processesOf(uid: number): number {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return new RegExp(`^Uid:\\s+${uid}\\b`, 'm').test(readFileSync(`/proc/${pid}/status`, 'utf8'))
    } catch {
      // It has ended meanwhile.
      return false
    }
  }).length
}

test.each(Object.entries(ABUSES))('%s is held: the host goes on, and all is back afterwards', async (_, script) => {
  const workspace = await openWorkspace({ sandbox: local(), policy: { limits } })
  const { state } = workspace
  const directory = `/var/tmp/ringfence-local-${process.getuid?.()}/${workspace.sandboxId}`
  expect(existsSync(directory)).toBe(true)
  let ended = false
  const abuse = workspace.exec(script, { timeoutMs: 60_000, maxOutputBytes: 1000 }).then(
    () => undefined,
    // How it ends is its own affair: killed, refused, or cut.
    () => undefined,
  )
  void abuse.finally(() => {
    ended = true
  })
  let spawns = 0
  while (!ended) {
    await run('true')
    spawns += 1
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  expect(spawns).toBeGreaterThan(0)
  await workspace.destroy()
  // All that a sandbox can write to the disk lies in its directory.
  expect(existsSync(directory)).toBe(false)
  await expect(openWorkspace({ sandbox: local(), resume: state })).rejects.toMatchObject({ code: 'sandbox.gone' })
})

test.runIf(process.getuid?.() === 0)('no process and no control group of an ended sandbox is left', async () => {
  const workspace = await openWorkspace({ sandbox: local() })
  const before = groups()
  await workspace.exec('sleep 600 & setsid sleep 600 &')
  const uid = Number((await run('stat', ['-c', '%u', `/var/tmp/ringfence-local-0/${workspace.sandboxId}/workspace`])).stdout)
  expect(uid).toBeGreaterThan(0)
  expect(processesOf(uid)).toBeGreaterThan(0)
  await workspace.destroy()
  expect(processesOf(uid)).toBe(0)
  expect(groups()).toBeLessThanOrEqual(before)
})
