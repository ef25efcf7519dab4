import { parseArgs } from 'node:util'
import type { BenchSettings } from './bench.ts'

export interface BenchOptions extends Omit<BenchSettings, 'signal'> {
  /** Ids of rows; empty for all. */
  readonly only: readonly string[]
  /** File that the figures are written to. */
  readonly json: string | undefined
  /** File that the table is written to, between its marks when it is there already. */
  readonly markdown: string | undefined
  readonly help: boolean
}

export const USAGE = `npm run bench -- [options]
  --only a1,b2      these rows alone
  --quick           fewer rounds
  --folder DIR      makes its folders there, to measure another disk. Default /var/tmp
  --json FILE       writes every figure
  --markdown FILE   writes machine, versions and table into the page`

/** @throws Error with the usage, for an unknown option or row. */
export function readOptions(argv: readonly string[], ids: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean' },
      folder: { type: 'string', default: '/var/tmp' },
      json: { type: 'string' },
      markdown: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const only = (values.only ?? '').split(',').filter((id) => id !== '')
  const unknown = only.filter((id) => !ids.includes(id))
  if (unknown.length > 0) throw new Error(`There is no row "${unknown.join('", "')}". There are ${ids.join(', ')}.`)
  return {
    only,
    quick: values.quick ?? false,
    folder: values.folder,
    json: values.json,
    markdown: values.markdown,
    help: values.help ?? false,
  }
}
