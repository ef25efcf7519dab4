import type { PtyFacet, PtyProcess, TerminalSize } from '@ringfence/core'
import { expectCode, expectEqual, expectTrue } from '../assert/assert.ts'
import type { RequirementContext } from '../suite/requirement.ts'
import { facet } from './features.ts'
import { outlive, shortLifetime } from './lifetimes.ts'
import type { ProviderSubject } from './subject.ts'
import { createSandbox, newRef, type ProviderRequirement, readUntil, requirement, sh, until } from './subject.ts'

const pty = facet('pty')
const lifetime = facet('lifetime')
const SIZE: TerminalSize = { columns: 91, rows: 17 }

async function terminal(
  subject: ProviderSubject,
  context: RequirementContext,
  argv: readonly string[],
): Promise<{ process: PtyProcess; output: AsyncIterator<{ bytes: Uint8Array }>; pty: PtyFacet }> {
  const sandbox = await createSandbox(subject, context)
  expectTrue(sandbox.pty !== undefined, 'There is no terminal')
  const process = await sandbox.pty.open(argv, { size: SIZE })
  return { process, output: process.output[Symbol.asyncIterator](), pty: sandbox.pty }
}

async function drain(output: AsyncIterator<{ bytes: Uint8Array }>): Promise<string> {
  let text = ''
  for (let next = await output.next(); !next.done; next = await output.next()) text += Buffer.from(next.value.bytes).toString('latin1')
  return text
}

export const facetRequirements: readonly ProviderRequirement[] = [
  requirement(
    'contract.pty.terminal',
    'The process has a terminal of the asked size, and its exit code arrives.',
    async (subject, context) => {
      const { process, output } = await terminal(subject, context, ['sh', '-c', 'test -t 0 && test -t 1 && stty size; exit 7'])
      const text = await drain(output)
      expectTrue(text.includes('17 91'), `The size is not told: ${JSON.stringify(text)}`)
      expectEqual((await process.exit).code, 7, 'The code')
    },
    pty,
  ),
  requirement(
    'contract.pty.input',
    'What is typed arrives, and is echoed by the terminal.',
    async (subject, context) => {
      const { process, output } = await terminal(subject, context, ['sh', '-c', 'read -r line; echo "got <$line>"'])
      await process.stdin.write(Buffer.from('hello there\n'))
      const text = await readUntil(output, 'got <hello there>')
      expectTrue(text.includes('hello there\r\n'), 'The terminal does not echo')
      await drain(output)
    },
    pty,
  ),
  requirement(
    'contract.pty.interrupt',
    'Ctrl-C interrupts what runs in the foreground.',
    async (subject, context) => {
      const { process, output } = await terminal(subject, context, [
        'sh',
        '-c',
        'trap "echo caught; exit 9" INT; echo ready; while :; do sleep 0.1; done',
      ])
      await readUntil(output, 'ready')
      await process.stdin.write(Buffer.from([3]))
      await readUntil(output, 'caught')
      await drain(output)
      expectEqual((await process.exit).code, 9, 'The code')
    },
    pty,
  ),
  requirement(
    'contract.pty.resize',
    'A resize reaches the process.',
    async (subject, context) => {
      const { process, output } = await terminal(subject, context, ['sh', '-c', 'echo ready; while read -r _; do stty size; done'])
      await readUntil(output, 'ready')
      await process.resize({ columns: 120, rows: 40 })
      await process.stdin.write(Buffer.from('\n'))
      await readUntil(output, '40 120')
      await process.stdin.write(Buffer.from([4]))
      await drain(output)
    },
    pty,
  ),
  requirement(
    'contract.pty.bad-size',
    'A size that is none is refused.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      for (const size of [
        { columns: 0, rows: 1 },
        { columns: 80, rows: 65_536 },
        { columns: 1.5, rows: 24 },
      ]) {
        await expectCode(async () => sandbox.pty?.open(['true'], { size }), 'config.invalid', `A size of ${JSON.stringify(size)}`)
      }
    },
    pty,
  ),
  requirement(
    'contract.lifetime.expires',
    'A sandbox that nobody prolongs ends by itself, and is gone.',
    async (subject, context) => {
      const ref = newRef(context)
      const lifetimeMs = 2000
      const sandbox = await createSandbox(subject, context, { ref, lifetimeMs })
      await sandbox.release()
      const { provider } = subject
      if (provider.find)
        await until(context, 'the sandbox is gone', async () => (await provider.find?.(ref, context.runtime)) === undefined)
      else await outlive(subject, context, lifetimeMs)
      await expectCode(provider.resume(sandbox.state, { lifetimeMs: 60_000 }, context.runtime), 'sandbox.gone')
    },
    lifetime,
  ),
  requirement(
    'contract.lifetime.extended',
    'A sandbox that is prolonged outlives its first lifetime.',
    async (subject, context) => {
      const lifetimeMs = await shortLifetime(subject, context)
      const sandbox = await createSandbox(subject, context, { lifetimeMs })
      await sandbox.lifetime?.extend(120_000)
      await outlive(subject, context, lifetimeMs)
      expectEqual((await sh(sandbox, 'echo alive')).stdout.toString(), 'alive\n', 'What it says')
    },
    lifetime,
  ),
  requirement(
    'contract.lifetime.bad',
    'A lifetime that is none is refused.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      await expectCode(async () => sandbox.lifetime?.extend(-1), 'config.invalid')
    },
    lifetime,
  ),
]
