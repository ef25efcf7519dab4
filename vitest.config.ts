import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const conditions = ['@ringfence/source']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: [
      'packages/*/{src,test}/**/*.test.ts',
      'providers/*/{src,test}/**/*.test.ts',
      'examples/*/{src,test}/**/*.test.ts',
      'tools/**/*.test.ts',
    ],
    globalSetup: ['providers/docker/test/stop-engine.ts'],
    testTimeout: 120_000,
    // A busy machine may let one time out; what fails twice has failed.
    retry: 1,
    hookTimeout: 120_000,
    // Tests mostly wait for processes, so one worker more than there are cores; more than four only make each other slow.
    maxWorkers: Math.min(4, availableParallelism() + 1),
  },
})
