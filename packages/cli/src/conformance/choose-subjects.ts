import { type Provider, RingfenceError } from '@ringfence/core'
import type { Conformance, ConformanceSubject } from '@ringfence/testkit'
import { findProvider, type InstalledProvider, installedProviders } from '../plugins/find-provider.ts'
import { loadInstalled } from '../plugins/load-provider.ts'
import { conformanceFileOf, loadConformance, withoutLive } from './load-conformance.ts'

/** The subjects of one provider. */
export interface ProviderSubjects {
  readonly id: string
  readonly conformance: Conformance
}

export interface SubjectChoice {
  /** An id, a package or a folder; `all` for every provider that is installed. */
  readonly name: string
  /** What the factory is given: one subject is run then, in place of those that the provider brings. */
  readonly options: unknown
  /** A title, or a part of titles in any case. */
  readonly title: string | undefined
  readonly live: boolean
  readonly cwd: string
}

function refuse(message: string, hint: string): never {
  throw new RingfenceError('config.invalid', message, { hint, effect: 'none' })
}

async function subjectsOf(installed: InstalledProvider, { options, live }: SubjectChoice): Promise<ProviderSubjects> {
  const { id } = installed
  const file = options === undefined ? conformanceFileOf(installed) : undefined
  if (file !== undefined) return { id, conformance: await loadConformance(file, { live }) }
  const provider: Provider = await loadInstalled(installed, options)
  const conformance = { subjects: [{ title: id, provider: () => provider }] }
  return { id, conformance: live ? withoutLive(conformance) : conformance }
}

/** In place of what cannot be loaded a subject that fails, so that the others are run all the same. */
async function subjectsOrFailure(installed: InstalledProvider, choice: SubjectChoice): Promise<ProviderSubjects> {
  try {
    return await subjectsOf(installed, choice)
  } catch (error) {
    const { id } = installed
    const provider = (): never => {
      throw error
    }
    return { id, conformance: { subjects: [{ title: id, provider }] } }
  }
}

/** Those whose title it is; when it is nobody's, those that have it in their title. */
function named(subjects: readonly ConformanceSubject[], title: string): readonly ConformanceSubject[] {
  const exact = subjects.filter((subject) => subject.title === title)
  return exact.length > 0 ? exact : subjects.filter((subject) => subject.title.toLowerCase().includes(title.toLowerCase()))
}

/**
 * Loads all that is to be run, and starts nothing.
 *
 * @throws `config.invalid` when something cannot be loaded, or nothing is chosen.
 */
export async function chooseSubjects(choice: SubjectChoice): Promise<readonly ProviderSubjects[]> {
  const { name, options, title, cwd } = choice
  if (name === 'all' && options !== undefined) refuse('Options are those of one provider, and `all` names every one', 'Name the provider.')
  const installed = name === 'all' ? installedProviders(cwd) : [findProvider(name, cwd)]
  if (installed.length === 0) refuse('No provider is installed', 'npm i @ringfence/provider-local')
  const load = name === 'all' ? subjectsOrFailure : subjectsOf
  const loaded: ProviderSubjects[] = []
  for (const one of installed) loaded.push(await load(one, choice))
  if (title === undefined) return loaded
  const chosen = loaded
    .map(({ id, conformance }) => ({ id, conformance: { ...conformance, subjects: named(conformance.subjects, title) } }))
    .filter(({ conformance }) => conformance.subjects.length > 0)
  if (chosen.length > 0) return chosen
  const titles = loaded.flatMap(({ conformance }) => conformance.subjects.map((subject) => `"${subject.title}"`))
  return refuse(`No subject is called "${title}"`, `There are ${titles.join(', ')}.`)
}
