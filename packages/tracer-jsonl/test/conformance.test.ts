import { tracerMutants, tracerSuite } from '@ringfence/testkit'
import { describeMutants, describeSuite } from '@ringfence/testkit/vitest'
import { describe } from 'vitest'
import { tracerPlace } from './places.ts'

describe('one file', () => {
  describeSuite(tracerSuite, { place: (context) => tracerPlace(context, 'file') })
  describeMutants(tracerSuite, tracerMutants, { place: (context) => tracerPlace(context, 'file') })
})

describe('a file for each trace', () => {
  describeSuite(tracerSuite, { place: (context) => tracerPlace(context, 'directory') })
})
