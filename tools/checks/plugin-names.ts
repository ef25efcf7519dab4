import type { Check, Finding } from './lib/check.ts'
import { filesBelow, plugins, readText } from './lib/repository.ts'

/** Vendors and mechanisms that a plugin is, or will be, named after. Those in the tree are added. */
const KNOWN = [
  ...['docker', 'e2b', 'modal', 'vercel', 'cloudflare', 'daytona', 'runloop', 'blaxel', 'bubblewrap', 'bwrap', 'podman', 'firecracker'],
  ...['s3', 'gcs', 'azure', 'r2', 'restate', 'otel', 'mastra', 'tanstack', 'deepagents', 'ai-sdk'],
]

/** Ids that are also ordinary words: only the name of the package counts. */
const ORDINARY = new Set(['local', 'box', 'fs', 'sql', 'jsonl', 'mcp', 'egress'])

/** `runLoop` is a name of code, not of a vendor. */
const CAMEL_CASE = /^[a-z]+[A-Z]/

const LAYERS = ['packages/core/src', 'packages/workspace/src', 'packages/harness/src']

/** No file in core, workspace or harness names a plugin. */
export const pluginNamesCheck: Check = {
  name: 'plugin-names',
  run(root) {
    const files = filesBelow(root, LAYERS, /\.ts$/)
    const pattern = patternFor(
      plugins(root).map(({ folder }) => folder.slice(folder.indexOf('/') + 1)),
      plugins(root).map(({ manifest }) => manifest.name),
    )
    return { checked: files.length, findings: files.flatMap((file) => findNames(file, readText(root, file), pattern)) }
  },
}

/**
 * A part of the name of a host, as in a list of public suffixes, is no word.
 *
 * @param folders names of the folders of plugins: `docker` below `providers`, `tracer-jsonl` below `packages`.
 * @param names names of their packages.
 */
export function patternFor(folders: readonly string[], names: readonly string[]): RegExp {
  const ids = folders.map((folder) => folder.replace(/^(?:snapshot-store|journal-store|tracer|model|adapter)-/, ''))
  const words = [...new Set([...KNOWN, ...ids])].filter((id) => !ORDINARY.has(id))
  return new RegExp(`(?<![\\w.-])(?:${[...words, ...names].map(literal).join('|')})(?![\\w-]|\\.\\w)`, 'gi')
}

/** The places where a text names a plugin. */
export function findNames(file: string, text: string, pattern: RegExp): Finding[] {
  return text.split('\n').flatMap((line, index) =>
    [...line.matchAll(pattern)]
      .filter(([name]) => !CAMEL_CASE.test(name))
      .map(([name]) => ({
        file: `${file}:${index + 1}`,
        rule: `it names the plugin "${name}"`,
        fix: 'say what is needed of any plugin, and let the profile or the caller decide',
      })),
  )
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
