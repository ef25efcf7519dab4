import { defineConformance, minimal } from '@ringfence/testkit'
import { findBubblewrap } from './src/bubblewrap.ts'
import { local } from './src/index.ts'

function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux') return 'it needs Linux'
  try {
    findBubblewrap(undefined)
    return undefined
  } catch {
    // Each subject needs it.
    return 'bubblewrap is not installed: apt-get install bubblewrap'
  }
}

const notRun = whatIsMissing()

/** The provider, and the least that the contract allows, made from it: entered by one spawn a command, and by the resident shell. */
export default defineConformance({
  subjects: [
    { title: 'local', provider: () => local(), notRun },
    { title: 'minimal', provider: () => minimal(local(), { stdin: 'none' }), notRun },
    { title: 'minimal-resident', provider: () => minimal(local(), { stdin: 'live' }), notRun },
  ],
})
