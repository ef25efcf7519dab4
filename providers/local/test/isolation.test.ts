import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Control } from './probes/controls.ts'
import { CANARY, openHost } from './probes/host.ts'
import { bare, inReplica, planOf } from './probes/replica.ts'
import { type Staged, stagedProbes } from './probes/staged.ts'
import { type Probe, probesOf } from './probes/table.ts'
import { type LocalSandbox, readUntil, run, sh, testRoom } from './support.ts'

const room = testRoom()
const isRoot = process.getuid?.() === 0
/** A line for each probe, in the order of the table. */
const lines: string[] = []
process.env.RINGFENCE_PROBE = CANARY
const host = await openHost()
afterAll(() => {
  host.close()
  if (lines.length > 0) console.log(lines.join('\n'))
})
const inside = await room.create()
const other = await room.create()
await sh(other, `echo "${CANARY}" >canary`)
const plan = planOf(room.directory, inside)
const scene = { host, decoy: host.decoy(plan.user), other: join(room.directory, other.info.id) }

/** What an attempt prints, or the canary where it wrote to the host. */
const outcome = async (attempt: Promise<string>): Promise<string> => `${await attempt}${host.written() ? CANARY : ''}`
const without = (controls: readonly Control[]): typeof plan => controls.reduce((left, control) => control.off(left), plan)

/** Holds a probe against the sandbox and its replica, and shows that it succeeds without its controls. */
async function prove({ script, controls, mayLack }: Probe): Promise<string> {
  expect(await outcome(sh(inside, script)), 'in the sandbox').not.toContain(CANARY)
  if (!isRoot) return 'not provable here: the harness is not root'
  expect(await outcome(inReplica(plan, script)), 'in its replica').not.toContain(CANARY)
  for (const one of controls.length > 1 ? controls : []) {
    const rest = controls.filter((control) => control !== one)
    expect(await outcome(inReplica(without(rest), script)), `with "${one.name}" alone`).not.toContain(CANARY)
  }
  const off = await outcome(inReplica(without(controls), script))
  return verdict(off, mayLack && (() => bare(without(controls), script)))
}

async function proveStaged({ held, off, bare }: Staged): Promise<string> {
  expect(await held(), 'in the sandbox').not.toContain(CANARY)
  if (!isRoot) return 'not provable here: the harness is not root'
  return verdict(await off(), bare)
}

/** Without success the kernel must be seen to refuse the same without any sandbox; anything else is a probe that proves nothing. */
async function verdict(off: string, bare: (() => Promise<string>) | undefined): Promise<string> {
  if (off.includes(CANARY)) return 'control-off succeeded'
  const outside = (await bare?.()) ?? ''
  const refused = /^refused: (.+)$/m.exec(outside)?.[1]
  const proven = `without its controls it said "${off}", without any sandbox "${outside}"`
  expect(outside.includes(CANARY) ? undefined : refused, proven).toBeDefined()
  return `not provable here: the kernel refuses it outside of every sandbox too (${refused})`
}

describe.runIf(process.arch === 'x64')('from inside one cannot', () => {
  it.each(probesOf(scene))('$tries', async (probe) => {
    lines.push(`held / ${await prove(probe)}  ${probe.id}  ${probe.tries} [${probe.controls.map(({ name }) => name).join(', ')}]`)
  })
  it.each(stagedProbes({ host, room, inside, plan }))('$tries', async (probe) => {
    lines.push(`held / ${await proveStaged(probe)}  ${probe.id}  ${probe.tries} [${probe.control}]`)
  })
})

it('has no descriptor of the host', async () => {
  // The fourth is the directory that ls reads.
  expect(await sh(inside, 'ls /proc/self/fd')).toBe('0\n1\n2\n3')
  const seen = await sh(inside, 'ls -l /proc/[0-9]*/fd')
  expect(seen).not.toContain(host.directory)
  expect(seen).not.toContain(room.directory)
})

it('shows no argument and no path of the host to the processes inside', async () => {
  expect(await sh(inside, 'cat /proc/*/cmdline /proc/*/environ 2>/dev/null | tr "\\0" "\\n"')).not.toContain(room.directory)
})

it('may write where it should, and nowhere else', async () => {
  expect(
    await sh(inside, 'for d in /workspace /ringfence/control /tmp /var/tmp /home/sandbox /dev/shm; do echo x > $d/x && cat $d/x; done'),
  ).toBe('x\nx\nx\nx\nx\nx')
  const { stdout } = await run(inside, [
    'sh',
    '-c',
    'for d in $(find / -xdev -type d -writable 2>/dev/null); do echo $d; done; echo x > /ringfence/requests/x || echo held',
  ])
  expect(stdout.toString().trim().split('\n').at(-1)).toBe('held')
})

it('cannot replace or remove what the host opens', async () => {
  const script =
    'cd /ringfence/requests; for f in * */*; do rm -f $f; mv $f /tmp/x; ln -sf /etc/passwd $f; chmod 777 $f; done 2>/dev/null; mount -o remount,rw . 2>/dev/null; ls -l /ringfence/requests | grep -c "^l"'
  expect(await sh(inside, script)).toBe('0')
  expect(await sh(inside, 'echo still')).toBe('still')
})

it('takes a forged end of a process for none, and goes on', async () => {
  const script = 'for f in /proc/*/fd/3; do head -c 9000 /dev/zero > "$f"; done 2>/dev/null; echo ready; exec sleep 1000'
  const process = await inside.spawn(['sh', '-c', script])
  const output = process.output[Symbol.asyncIterator]()
  await readUntil(output, 'ready')
  await process.kill?.('SIGKILL')
  await expect(output.next()).rejects.toMatchObject({ code: 'provider.failed' })
  await expect(process.exit).rejects.toMatchObject({ code: 'provider.failed' })
  expect(await sh(inside, 'echo still')).toBe('still')
})

describe.runIf(isRoot)('two sandboxes', () => {
  it('are two users of the host', async () => {
    const other = await room.create()
    const user = (sandbox: LocalSandbox): Promise<string> => sh(sandbox, 'cat /proc/self/uid_map | tr -s " "; id -u')
    expect(await user(inside)).toContain('1000')
    expect(await sh(other, 'ls /proc | grep -c "^[0-9]"')).not.toBe('0')
    await sh(inside, 'echo mine > /workspace/mine; chmod 777 /workspace /workspace/mine')
    expect(await sh(other, `cat ${room.directory}/${inside.info.id}/workspace/mine || echo held`)).toBe('held')
  })
})
