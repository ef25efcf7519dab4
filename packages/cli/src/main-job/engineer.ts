import type { ManifestInput, Model } from '@ringfence/core'
import { filesystem, SandboxAgent, shell } from '@ringfence/harness'

const INSTRUCTIONS = `You are a careful engineer. The repository is in the folder "repo" of your workspace, and your commands start there.
Find out what is wrong by running the tests and reading the code. Change as little as is needed, with apply_patch. Run the
tests again and do not end before you saw them pass, or know why they cannot. Then say in a few plain sentences what was wrong and what
you changed. There is no network.`

export interface EngineerOptions {
  readonly model: Model
  readonly manifest: ManifestInput
  /** Commands and patches wait for `ringfence approve`. */
  readonly ask: boolean
}

/** The agent of the main job. Built the same way when a run is gone on with, so that its definition is the same. */
export function engineer({ model, manifest, ask }: EngineerOptions): SandboxAgent {
  return new SandboxAgent({
    name: 'Engineer',
    instructions: INSTRUCTIONS,
    model,
    manifest,
    cwd: 'repo',
    capabilities: [shell({ needsApproval: ask }), filesystem({ needsApproval: ask })],
  })
}
