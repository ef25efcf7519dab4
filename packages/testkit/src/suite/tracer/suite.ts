import type { Suite } from '../requirement.ts'
import { spanRequirements } from './span-requirements.ts'
import type { TracerSubject } from './subject.ts'
import { writingRequirements } from './writing-requirements.ts'

/** What every tracer does. */
export const tracerSuite: Suite<TracerSubject> = { name: 'tracer-v1', requirements: [...spanRequirements, ...writingRequirements] }
