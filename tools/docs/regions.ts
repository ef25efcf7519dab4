/** A snippet of a page: a comment that names a region of a source, and the code block below it. */
const SNIPPET = /^<!-- snippet: (\S+)#([\w-]+) -->\n```(\w+)\n([\s\S]*?)^```$/gm

/** A region that a page names. */
export interface SnippetUse {
  /** Below the root. */
  readonly source: string
  readonly region: string
  /** What stands in the page. */
  readonly code: string
}

/** The snippets of a page, in order. */
export function snippetsOf(page: string): SnippetUse[] {
  return [...page.matchAll(SNIPPET)].map(([, source = '', region = '', , code = '']) => ({ source, region, code }))
}

/**
 * Puts the regions of sources into a page.
 *
 * @param read gives the text of a source, by its path below the root.
 */
export function fillSnippets(page: string, read: (path: string) => string): string {
  return page.replace(SNIPPET, (_block, source: string, region: string, language: string) => {
    const code = regionOf(read(source), region)
    if (code === undefined) throw new Error(`"${source}" has no region "${region}": write // #region ${region} ... // #endregion`)
    return `<!-- snippet: ${source}#${region} -->\n\`\`\`${language}\n${code}\`\`\``
  })
}

/** The lines between `// #region <name>` and the `// #endregion` that follows, with their common indentation taken off. */
export function regionOf(text: string, name: string): string | undefined {
  const lines = text.split('\n')
  const start = lines.findIndex((line) => line.trim() === `// #region ${name}`)
  const length = lines.slice(start + 1).findIndex((line) => line.trim().startsWith('// #endregion'))
  if (start < 0 || length < 0) return undefined
  const body = lines.slice(start + 1, start + 1 + length)
  const indents = body.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length)
  const indent = Math.min(...indents)
  return `${body.map((line) => line.slice(indent)).join('\n')}\n`
}

/**
 * Replaces what stands between `<!-- name -->` and `<!-- /name -->`.
 *
 * @throws when the page has no such marks: text that is silently not generated would stay wrong.
 */
export function fillSection(page: string, name: string, content: string): string {
  const pattern = new RegExp(`(<!-- ${name} -->)[\\s\\S]*?(<!-- /${name} -->)`)
  if (!pattern.test(page)) throw new Error(`the page has no section "${name}": write <!-- ${name} --> and <!-- /${name} -->`)
  return page.replace(pattern, (_all, open: string, close: string) => `${open}\n\n${content.trim()}\n\n${close}`)
}
