/**
 * Writes the journal of the golden run into a folder: once for each version of the records that is released. A kept one is
 * never written again after its release.
 *
 *     node --import tsx --conditions=@ringfence/source test/support/write-golden.ts test/fixtures/journal-v1
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { memoryJournal } from '../../src/index.ts'
import { lineOf } from '../../src/journal/fs/journal-lines.ts'
import { GOLDEN_RUN, goldenRunner, runtime } from './golden-run.ts'

const [directory = ''] = process.argv.slice(2)
const lines: string[] = []
const memory = memoryJournal({ runtime })
const { agent, runner } = goldenRunner({
  ...memory,
  async append(runId, records) {
    await memory.append(runId, records)
    lines.push(lineOf(records))
  },
})
await runner.run(agent, 'go', { runId: GOLDEN_RUN })
const folder = join(directory, GOLDEN_RUN)
await mkdir(folder, { recursive: true })
await writeFile(join(folder, 'journal.jsonl'), lines.join(''))
