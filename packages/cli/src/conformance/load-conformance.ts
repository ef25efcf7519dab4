import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isRingfenceError, type Policy, type Provider, parsePolicy, parseWith, RingfenceError } from '@ringfence/core'
import { type Conformance, type ConformanceContext, checkKnownFailures, providerSuite } from '@ringfence/testkit'
import { z } from 'zod'
import type { InstalledProvider } from '../plugins/find-provider.ts'

/** Beside the package.json of a provider; the first that is there. */
const NAMES = ['conformance.ts', 'conformance.mjs', 'conformance.js'] as const

const aFunction = (value: unknown): boolean => typeof value === 'function'

/** What a file must export. It is checked as it may be written in JavaScript, and a misspelled field would hide failures. */
const conformanceSchema = z.strictObject({
  subjects: z
    .array(
      z.strictObject({
        title: z.string().regex(/^\S(?:.*\S)?$/, 'expected one line of text'),
        provider: z.custom<() => Provider>(aFunction, 'expected a function that makes the provider'),
        policy: z.custom<Policy>().optional(),
        knownFailures: z.record(z.string(), z.string()).optional(),
        notRun: z.string().min(1).optional(),
      }),
    )
    .min(1, 'expected one subject at least'),
  start: z.custom<() => Promise<void>>(aFunction, 'expected a function').optional(),
  stop: z.custom<() => Promise<void>>(aFunction, 'expected a function').optional(),
})

function invalid(message: string, hint: string, cause?: unknown): RingfenceError {
  return new RingfenceError('config.invalid', message, { hint, effect: 'none', cause })
}

/** The file with the subjects of a provider; `undefined` when it brings none. */
export function conformanceFileOf({ folder }: InstalledProvider): string | undefined {
  return NAMES.map((name) => join(folder, name)).find((path) => existsSync(path))
}

const doesNotKnowTypeScript = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION'

/** Lets this process load TypeScript from now on, by the `tsx` of the project that a file belongs to. */
async function loadTsx(file: string): Promise<void> {
  let tsx: string
  try {
    tsx = createRequire(file).resolve('tsx')
  } catch (cause) {
    throw invalid(`This Node does not load TypeScript: "${file}"`, 'npm i -D tsx; or write conformance.js.', cause)
  }
  await import(pathToFileURL(tsx).href)
}

async function importFile(file: string): Promise<Readonly<Record<string, unknown>>> {
  const { href } = pathToFileURL(file)
  try {
    return await import(href)
  } catch (error) {
    if (!doesNotKnowTypeScript(error)) throw error
    await loadTsx(file)
    // Under another name: that the first import failed is remembered.
    return import(`${href}?tsx`)
  }
}

/** What a file exports by default, or gives when it is called; and whether it was. */
async function read(file: string, context: ConformanceContext): Promise<{ readonly value: unknown; readonly isCalled: boolean }> {
  try {
    const { default: value } = await importFile(file)
    return typeof value === 'function' ? { value: await value(context), isCalled: true } : { value, isCalled: false }
  } catch (cause) {
    if (isRingfenceError(cause)) throw cause
    throw invalid(`"${file}" cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, 'Mend the file.', cause)
  }
}

function check(value: unknown, file: string): Conformance {
  const conformance: Conformance = parseWith(conformanceSchema, value, `What "${file}" exports by default`)
  const titles = new Set<string>()
  for (const { title, policy, knownFailures } of conformance.subjects) {
    if (titles.has(title)) throw invalid(`Two subjects of "${file}" have the title "${title}"`, 'Give each a title of its own.')
    titles.add(title)
    if (policy !== undefined) parsePolicy(policy)
    checkKnownFailures(providerSuite, knownFailures)
  }
  return conformance
}

/**
 * The subjects that a file gives. Of one that is no function nothing is live: with `live` its subjects are not run.
 *
 * @throws `config.invalid` when it cannot be loaded or exports something else; `conformance.failed` for a known failure that is no
 *   requirement.
 */
export async function loadConformance(file: string, context: ConformanceContext): Promise<Conformance> {
  const { value, isCalled } = await read(file, context)
  const conformance = check(value, file)
  return context.live && !isCalled ? withoutLive(conformance) : conformance
}

/** The same with no subject that runs: none of them asks a hosted service. */
export function withoutLive({ subjects }: Conformance): Conformance {
  return { subjects: subjects.map((subject) => ({ ...subject, notRun: 'nothing of it is live' })) }
}
