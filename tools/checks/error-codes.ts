import { ERROR_CODES } from '@ringfence/core'
import ts from 'typescript'
import type { Check, Finding } from './lib/check.ts'
import { publishedSources, readText } from './lib/repository.ts'

const CATALOGUE = 'packages/core/src/errors/codes.ts'

/** A code that stands in a source. */
interface Use {
  readonly file: string
  readonly code: string
  /** It stands in a comment. */
  readonly documented: boolean
}

/** Codes and sources agree: what is thrown or documented is in the catalogue, and each code of it is thrown somewhere. */
export const errorCodesCheck: Check = {
  name: 'error-codes',
  run(root) {
    const sources = publishedSources(root).filter((file) => file !== CATALOGUE)
    const texts = sources.map((file) => ({ file, text: readText(root, file) }))
    const findings = compareCodes(Object.keys(ERROR_CODES), texts)
    return { checked: Object.keys(ERROR_CODES).length, findings }
  },
}

/** @param catalogue all codes that there are. */
export function compareCodes(catalogue: readonly string[], files: readonly { readonly file: string; readonly text: string }[]): Finding[] {
  const known = new Set(catalogue)
  const kinds = new Set(catalogue.map((code) => code.split('.')[0]))
  // A comment names members as well, such as `details.runId`.
  const isCode = ({ code, documented }: Use): boolean => !documented || kinds.has(code.split('.')[0])
  const unknown = files.flatMap(({ file, text }) => codesOf(file, text)).filter((use) => isCode(use) && !known.has(use.code))
  const literals = new Set(files.flatMap(({ text }) => [...text.matchAll(/'([a-z]+\.[a-z-]+)'/g)].map(([, literal]) => literal)))
  const unused = catalogue.filter((code) => !literals.has(code))
  return [
    ...unknown.map(({ file, code }) => ({
      file,
      rule: `the code "${code}" is not in the catalogue`,
      fix: `add it to ${CATALOGUE}, or use one that is there`,
    })),
    ...unused.map((code) => ({
      file: CATALOGUE,
      rule: `no source uses the code "${code}"`,
      fix: 'throw it where it belongs, or remove it before it is released',
    })),
  ]
}

/** The codes that a file throws, asks for, or documents after `@throws`. */
export function codesOf(file: string, text: string): Use[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const uses: Use[] = []
  const add = (position: number, code: string, documented: boolean): void => {
    uses.push({ file: `${file}:${source.getLineAndCharacterOfPosition(position).line + 1}`, code, documented })
  }
  const visit = (node: ts.Node): void => {
    const argument = codeArgument(node)
    if (argument && ts.isStringLiteralLike(argument)) add(argument.pos, argument.text, false)
    ts.forEachChild(node, visit)
  }
  visit(source)
  for (const comment of text.matchAll(/@throws([\s\S]*?)(?:\n\s*\*\s*@|\*\/)/g)) {
    for (const [, code = ''] of comment[1]?.matchAll(/`([a-z]+\.[a-z-]+)`/g) ?? []) add(comment.index, code, true)
  }
  return uses
}

/** The argument of `new RingfenceError(...)` and `isRingfenceError(...)` that holds a code. */
function codeArgument(node: ts.Node): ts.Node | undefined {
  if (ts.isNewExpression(node) && node.expression.getText() === 'RingfenceError') return node.arguments?.[0]
  if (ts.isCallExpression(node) && node.expression.getText() === 'isRingfenceError') return node.arguments[1]
  return undefined
}
