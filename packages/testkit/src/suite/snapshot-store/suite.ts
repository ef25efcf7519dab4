import { expectEqual, expectTrue } from '../../assert/assert.ts'
import type { Requirement, Suite } from '../requirement.ts'
import { blobRequirements } from './blob-requirements.ts'
import { putRequirements } from './put-requirements.ts'
import { refRequirements } from './ref-requirements.ts'
import type { SnapshotStoreSubject } from './subject.ts'

const identity: Requirement<SnapshotStoreSubject> = {
  id: 'identity',
  behaviour: 'The store tells its contract and its id; opening one does nothing to the place.',
  async run(subject, context) {
    const { specificationVersion, name } = (await subject.place(context)).open()
    expectEqual(specificationVersion, 'snapshot-store-v1', 'The specification version')
    expectTrue(/^[a-z0-9-]+$/.test(name), `The name "${name}" is no id of a plugin`)
  },
}

/** What every snapshot store does. */
export const snapshotStoreSuite: Suite<SnapshotStoreSubject> = {
  name: 'snapshot-store-v1',
  requirements: [identity, ...putRequirements, ...blobRequirements, ...refRequirements],
}
