import { local } from '@ringfence/provider-local'
import { describe } from 'vitest'
import { minimal, providerSuite } from '../../src/index.ts'
import { describeSuite } from '../../src/vitest/index.ts'

describe('one spawn a command', () => describeSuite(providerSuite, { provider: minimal(local(), { stdin: 'none' }) }))

describe('the resident shell', () => describeSuite(providerSuite, { provider: minimal(local(), { stdin: 'live' }) }))
