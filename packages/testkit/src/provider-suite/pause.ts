import { expectEqual } from '../assert/assert.ts'
import { COUNT, expectStoodStill, PAUSED_MS } from './counting.ts'
import { enginePause } from './features.ts'
import { outlive, shortLifetime } from './lifetimes.ts'
import { open, type ProviderRequirement, requirement, until } from './subject.ts'

export const pauseRequirements: readonly ProviderRequirement[] = [
  requirement(
    'pause.command',
    'A command stands still while its workspace is paused, and goes on after it, with its output whole; so does the workspace.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      const running = workspace.exec(['sh', '-c', COUNT, 'sh', workspace.root])
      // It is awaited below; a failure before it must not go unhandled.
      running.catch(() => undefined)
      await until(context, 'it counts', async () => (await workspace.stat('counting')) !== undefined)
      await workspace.pause()
      await workspace.pause()
      await context.runtime.clock.sleep(PAUSED_MS, { signal: context.signal })
      await workspace.resume()
      await workspace.writeFile('stop', '')
      const { stdout, exitCode } = await running
      expectStoodStill(stdout)
      expectEqual(exitCode, 0, 'The code')
      await workspace.resume()
      expectEqual((await workspace.exec('echo on')).stdout, 'on\n', 'What runs after it')
    },
    enginePause,
  ),
  requirement(
    'pause.lease-kept',
    'While the harness lives, a paused workspace outlives its lease.',
    async (subject, context) => {
      const leaseMs = await shortLifetime(subject, context)
      const workspace = await open(subject, context, { leaseMs })
      await workspace.pause()
      await outlive(subject, context, leaseMs)
      await workspace.resume()
      expectEqual((await workspace.exec('echo alive')).stdout, 'alive\n', 'What it says')
    },
    enginePause,
  ),
  requirement(
    'pause.attach',
    'A paused workspace that was let go of goes on when it is attached to: its commands and its content are there.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.spawn('while [ ! -e go ]; do sleep 0.05; done; echo late; exit 6', { opId: 'op-1' })
      const state = JSON.parse(JSON.stringify(workspace.state))
      await workspace.pause()
      await workspace.release()
      const again = await open(subject, context, { resume: state })
      const command = await again.attach('op-1')
      await again.writeFile('go', '')
      let text = ''
      for await (const { bytes } of command.output) text += Buffer.from(bytes).toString()
      expectEqual([text, (await command.exit).exitCode], ['late\n', 6], 'Output and code')
    },
    enginePause,
  ),
]
