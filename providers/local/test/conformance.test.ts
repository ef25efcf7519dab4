import { providerSuite } from '@ringfence/testkit'
import { describeSuite } from '@ringfence/testkit/vitest'
import { local } from '../src/index.ts'

describeSuite(providerSuite, { provider: local() })
