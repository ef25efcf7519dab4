import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runRaw } from '../floors/run-raw.ts'
import { atMost, type Case, type Variant } from '../scenario.ts'
import { timed } from '../timing.ts'

const OURS = ['@ringfence/harness', '@ringfence/provider-local']
const PEER = ['@openai/agents', '@openai/agents/sandbox/local']

const repository = fileURLToPath(new URL('../../..', import.meta.url))
const BUILT = ['packages/core', 'packages/workspace', 'packages/harness', 'providers/local']

function start(names: readonly string[], flags: readonly string[] = []): Promise<void> {
  const script = names.map((name) => `await import(${JSON.stringify(name)})`).join(';')
  // The peer leaves a timer behind, which is no part of an import.
  return runRaw([process.execPath, ...flags, '--input-type=module', '--eval', `${script};process.exit(0)`], { cwd: repository })
}

/** A process that imports, less one that does nothing, started right before it. */
function importing(name: string, role: Variant['role'], names: readonly string[], flags: readonly string[] = []): Variant {
  return {
    name,
    role,
    async sample() {
      const empty = await timed(() => start([]))
      return (await timed(() => start(names, flags))) - empty
    },
  }
}

/** What an app waits for before its first line runs. */
export const i: Case = {
  id: 'i',
  title: 'import of the harness and one provider, less an empty start',
  rounds: 20,
  quickRounds: 10,
  warmUp: 2,
  async setUp() {
    const isBuilt = BUILT.every((folder) => existsSync(fileURLToPath(new URL(`../../../${folder}/dist/index.js`, import.meta.url))))
    const source = ['--import', 'tsx', '--conditions=@ringfence/source']
    return [
      { name: 'an empty start itself', role: 'reference', sample: () => timed(() => start([])) },
      importing('agents', 'peer', PEER),
      isBuilt
        ? { ...importing('ringfence', 'ours', OURS), goal: atMost(150) }
        : importing('ringfence, from source: `npm run build` was not run', 'reference', OURS, source),
    ]
  },
}
