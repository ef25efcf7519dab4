import type { Manifest } from '@ringfence/core'

const MAX_DEPTH = 3
const MAX_LINES = 120

/** What a workspace begins with, as lines for the model: paths down to a depth of 3, with their descriptions. At most 120 lines. */
export function workspaceTree({ entries }: Manifest): string {
  const lines: string[] = []
  const shown = new Set<string>()
  for (const [path, entry] of Object.entries(entries)) {
    const parts = path === '' ? [] : path.split('/')
    for (let depth = 1; depth <= Math.min(parts.length, MAX_DEPTH); depth += 1) {
      const part = parts.slice(0, depth).join('/')
      if (shown.has(part)) continue
      shown.add(part)
      const isEntry = depth === parts.length
      const isTree = !isEntry || entry.type === 'dir' || entry.type === 'localDir' || entry.type === 'gitRepo'
      const note = isEntry && entry.description ? `  # ${entry.description.replace(/\s+/g, ' ')}` : ''
      lines.push(`${'  '.repeat(depth - 1)}${parts[depth - 1]}${isTree ? '/' : ''}${note}`)
    }
  }
  const left = lines.length - MAX_LINES
  return left > 0 ? [...lines.slice(0, MAX_LINES), `(${left} more; list the directories to see them)`].join('\n') : lines.join('\n')
}
