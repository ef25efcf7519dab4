import type { ErrorCodeEntry, Profile } from '@ringfence/core'
import type { Package } from '../checks/lib/repository.ts'

const GENERATED = '<!-- Made by `npm run docs`; the check "generated-docs" compares it. -->'

/** The page of all error codes. */
export function errorsPage(codes: Readonly<Record<string, ErrorCodeEntry>>): string {
  const entries = Object.entries(codes).sort(([a], [b]) => (a < b ? -1 : 1))
  const sections = entries.map(([code, { title, cause, hint }]) => `## ${code}\n\n**${title}.** ${cause}\n\n${hint}\n`)
  const intro = [
    'Everything that Ringfence throws is a `RingfenceError` with one of these codes; `isRingfenceError(error, code)` tells them apart.',
    'A code is permanent: it may be added, and is never renamed. `effect` says whether the failed call did something (`none`, `unknown`,',
    '`done`), `retry` whether the same call may be made again.',
  ]
  return `# Errors\n\n${GENERATED}\n\n${intro.join('\n')}\n\n${sections.join('\n')}`
}

type Cell = (profile: Profile) => string

const ROWS: readonly (readonly [name: string, cell: Cell])[] = [
  ['isolation, at most', ({ isolation }) => isolation],
  ['network that can be restricted', ({ egress }) => `${{ none: 'no', block: 'all or nothing' }[egress.tier]}, by ${egress.enforcedBy}`],
  ['what an open network exposes', ({ egress }) => (egress.open === false ? 'cannot be opened' : egress.open)],
  ['enforced limits', ({ limits }) => limits.map((limit) => `\`${limit}\``).join(', ') || 'none'],
  ['default user', ({ user }) => user],
  ['longest lifetime', ({ maxLifetimeMs }) => (maxLifetimeMs === null ? 'no bound' : `${maxLifetimeMs / 60_000} min`)],
  ['what a restart of the host leaves', ({ persistence }) => (persistence === 'none' ? 'nothing' : persistence)],
  ['found again by', ({ find }) => (find === 'none' ? 'nothing' : find)],
  ['first command after', ({ coldStart }) => `${coldStart.ms} ms (${coldStart.source}, ${coldStart.date})`],
]

/** The page that compares providers, from their profiles alone. */
export function featuresPage(profiles: readonly Profile[]): string {
  const facets = [...new Set(profiles.flatMap(({ facets }) => Object.keys(facets)))].sort()
  const wire = [...new Set(profiles.flatMap(({ wire }) => Object.keys(wire)))].sort()
  const rows = [
    ...ROWS,
    ...facets.map((name) => [`facet \`${name}\``, ({ facets }: Profile) => textOf(facets, name)] as const),
    ...wire.map((name) => [`wire \`${name}\``, ({ wire }: Profile) => textOf(wire, name)] as const),
  ]
  const head = ['', ...profiles.map(({ name }) => name)]
  const lines = [head, head.map(() => '---'), ...rows.map(([name, cell]) => [name, ...profiles.map(cell)])]
  const table = lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n')
  const intro = [
    'What each provider can do, from the `profile` that it declares: a ceiling, which options and the sandbox itself may lower. The',
    'conformance suite holds every provider to it: what is declared works, what is not is refused before anything is made.',
  ]
  return `# Features\n\n${GENERATED}\n\n${intro.join('\n')}\n\n${table}\n`
}

function textOf(values: object, name: string): string {
  const value: unknown = Object.entries(values).find(([key]) => key === name)?.[1]
  return value === undefined ? '' : String(value)
}

/** The table of packages in the README. */
export function packagesTable(packages: readonly Package[]): string {
  const rows = packages.map(({ folder, manifest }) => `| [\`${manifest.name}\`](${folder}) | ${manifest.description ?? ''} |`)
  return ['| package | what it is |', '| --- | --- |', ...rows].join('\n')
}
