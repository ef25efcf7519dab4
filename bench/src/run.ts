import { readFile, writeFile } from 'node:fs/promises'
import { type BenchSettings, openBench } from './bench.ts'
import { type EngineHost, engineHost } from './engine/serve-engine.ts'
import { describeMachine, type Machine, machineLine } from './machine.ts'
import { type Figure, measureCase, messageOf, notRun } from './measure.ts'
import { measureMemory } from './memory.ts'
import { type BenchOptions, readOptions, USAGE } from './options.ts'
import { intoPage, markdownTable, notesOf, textTable } from './report.ts'
import type { Case } from './scenario.ts'
import { CASES, IDS } from './scenarios/index.ts'
import { stopsBySignal } from './stop.ts'

/** One case from its set-up to its clean-up; the memory of its variants afterwards, when nothing else runs. */
async function runCase(given: Case, settings: BenchSettings): Promise<Figure[]> {
  const bench = await openBench(settings)
  let figures: Figure[]
  try {
    figures = await measureCase(bench, given)
  } finally {
    await bench.close()
  }
  globalThis.gc?.()
  const memory = await measureMemory(
    settings,
    given,
    figures.map(({ variant, role }) => ({ name: variant, role })),
  )
  return [...figures, ...memory]
}

/** One case, or why it is not run. */
async function runOrTell(given: Case, settings: BenchSettings, host: EngineHost): Promise<Figure[]> {
  if (!given.engine) return runCase(given, settings)
  const engine = await host.get()
  return 'missing' in engine ? [notRun(given, `no engine: ${engine.missing}`)] : runCase(given, { ...settings, engine })
}

function print(figures: readonly Figure[]): void {
  console.log(textTable(figures))
  for (const note of notesOf(figures)) console.log(`\n${note}`)
  console.log('')
}

async function writeFiles({ json, markdown, quick }: BenchOptions, machine: Machine, figures: readonly Figure[]): Promise<void> {
  if (json !== undefined) await writeFile(json, `${JSON.stringify({ machine, quick, figures }, undefined, 2)}\n`)
  if (markdown === undefined) return
  const notes = notesOf(figures)
  const profiles =
    notes.length === 0 ? [] : ['What was missed, with where its time went, and what was not run:', ['```', ...notes, '```'].join('\n')]
  const text = [`${machineLine(machine)}.`, markdownTable(figures), ...profiles].join('\n\n')
  await writeFile(markdown, intoPage(await readFile(markdown, 'utf8'), text))
}

/** @returns the exit code: 1 when work was wrong, or an asserted goal was missed. Other missed goals are told. */
async function main(signal: AbortSignal): Promise<number> {
  const options = readOptions(process.argv.slice(2), IDS)
  if (options.help) {
    console.log(`${USAGE}\nRows: ${IDS.join(', ')}`)
    return 0
  }
  const machine = describeMachine(options.folder)
  console.log(`${machineLine(machine)}\n`)
  const figures: Figure[] = []
  const host = engineHost()
  try {
    for (const given of CASES) {
      if (options.only.length > 0 && !options.only.includes(given.id)) continue
      const some = await runOrTell(given, { ...options, signal }, host)
      print(some)
      figures.push(...some)
    }
  } finally {
    await host.close()
  }
  await writeFiles(options, machine, figures)
  const missed = figures.filter(({ verdict }) => verdict === 'MISSED')
  const failed = figures.filter(({ verdict }) => verdict === 'FAILED')
  const met = figures.filter(({ verdict }) => verdict === 'met')
  console.log(`${met.length} goals met, ${missed.length} MISSED, ${failed.length} figures FAILED`)
  return failed.length > 0 || missed.some(({ asserted }) => asserted) ? 1 : 0
}

const stop = stopsBySignal()

try {
  // Timers that the peer leaves behind would hold the process for seconds.
  process.exit(await main(stop))
} catch (error) {
  console.error(messageOf(error))
  process.exit(1)
}
