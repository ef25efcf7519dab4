import type { CapabilityBinding, FileType, FunctionTool, ListEntry, WorkspaceHandle } from '@ringfence/core'
import { z } from 'zod'
import { defineTool } from '../define-tool.ts'
import { resolvePath } from '../resolve-path.ts'

const MAX_ENTRIES = 500
const MAX_DEPTH = 8
const LISTS_AT_ONCE = 8
/** Their names are shown, what is in them is not: it is large and seldom asked for. */
const CLOSED = new Set(['.git', 'node_modules'])
const MARKS: Record<FileType, string> = { file: '', directory: '/', symlink: '@', other: '?' }

const schema = z.object({
  path: z.string().optional().describe('Path of the directory. Default: the one that paths begin at.'),
  depth: z.int().min(1).max(MAX_DEPTH).optional().describe('How many levels of directories to show. Default: 1.'),
})

interface Node {
  readonly entry: ListEntry
  readonly path: string
  children: Node[]
}

/** The tool `list_dir`: the tree below a directory, level by level until there are too many entries. */
export function listDir(binding: CapabilityBinding): FunctionTool {
  return defineTool({
    name: 'list_dir',
    description: 'Lists a directory. Directories end with "/", links with "@".',
    schema,
    isIdempotent: true,
    async invoke(args, call, workspace) {
      const path = resolvePath(args.path || '.', binding.cwd, workspace.root)
      const tree = await readTree(workspace, path, args.depth ?? 1, call.signal)
      if (tree.roots.length === 0) return '(the directory is empty)'
      const lines = render(tree.roots, '')
      if (!tree.isCut) return lines.join('\n')
      return [...lines.slice(0, MAX_ENTRIES), `(more than ${MAX_ENTRIES} entries; list a directory below, or with less depth)`].join('\n')
    },
  })
}

async function readTree(
  workspace: WorkspaceHandle,
  path: string,
  depth: number,
  signal: AbortSignal,
): Promise<{ roots: Node[]; isCut: boolean }> {
  const roots = await readNodes(workspace, path, signal)
  let count = roots.length
  let level = roots
  for (let below = 1; below < depth && count <= MAX_ENTRIES; below++) {
    const open = level.filter(({ entry }) => entry.type === 'directory' && !CLOSED.has(entry.name))
    level = []
    for (let at = 0; at < open.length && count <= MAX_ENTRIES; at += LISTS_AT_ONCE) {
      const batch = open.slice(at, at + LISTS_AT_ONCE)
      const lists = await Promise.all(batch.map((node) => readNodes(workspace, node.path, signal)))
      for (const [index, node] of batch.entries()) {
        node.children = lists[index] ?? []
        count += node.children.length
        level.push(...node.children)
      }
    }
    if (level.length === 0) break
  }
  return { roots, isCut: count > MAX_ENTRIES }
}

async function readNodes(workspace: WorkspaceHandle, path: string, signal: AbortSignal): Promise<Node[]> {
  const entries = await workspace.list(path, { signal })
  return [...entries]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((entry) => ({ entry, path: path === '.' ? entry.name : `${path}/${entry.name}`, children: [] }))
}

function render(nodes: readonly Node[], indent: string): string[] {
  return nodes.flatMap(({ entry, children }) => [`${indent}${entry.name}${MARKS[entry.type]}`, ...render(children, `${indent}  `)])
}
