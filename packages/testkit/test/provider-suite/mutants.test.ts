import { local } from '@ringfence/provider-local'
import { type ProviderSubject, providerMutants, providerSuite, type Suite } from '../../src/index.ts'
import { describeMutants } from '../../src/vitest/index.ts'

/** The parts that a provider may leave out: what proves them here is proven of every subject. `ringfence conformance` proves all. */
const optional: Suite<ProviderSubject> = {
  name: 'provider, optional parts',
  requirements: providerSuite.requirements.filter(({ id }) =>
    /^(contract\.(lifetime|snapshot|suspend)|snapshot\.native|fork|pause|pool|port)\./.test(id),
  ),
}

const ids = new Set(optional.requirements.map(({ id }) => id))

const mutants = providerMutants
  .map((mutant) => ({ ...mutant, breaks: mutant.breaks.filter((id) => ids.has(id)) }))
  .filter(({ breaks }) => breaks.length > 0)

describeMutants(optional, mutants, { provider: local() }, { parallel: 3 })
