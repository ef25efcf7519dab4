import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Check, Finding } from './lib/check.ts'
import { runTool } from './lib/tool.ts'

/** Each pattern is written so that it does not match itself. */
const BANNED: readonly { readonly pattern: RegExp; readonly what: string; readonly only?: RegExp }[] = [
  { pattern: /(?<![\w.~])[/](?:work|root)[/]\w/, what: 'a path of a developer’s machine' },
  {
    pattern: /(?<![\w.~])[/](?:home|Users)[/](?!me[/]|user[/]|you[/]|node[/]|agent[/]|sandbox[/])\w+[/]/,
    what: 'a path of a developer’s machine',
  },
  { pattern: /\bcl[a]ude\b(?!-)/i, what: 'a word on how this is developed' },
  { pattern: /\bprompt[ -]engineer/i, what: 'a word on how this is developed' },
  { pattern: /\b(?:AI|LLM|machine)[ -]generated\b/i, what: 'a word on how this is developed' },
  { pattern: /\bas an (?:AI|LLM)\b/i, what: 'a word on how this is developed' },
  { pattern: /\bco-auth[o]red-by\b/i, what: 'a word on how this is developed' },
  { pattern: /\b(?:TO[D]O|FIX[M]E|XX[X])\b/, what: 'a note about unfinished work' },
  { pattern: /"resolved": *"(?:https?|git)/, what: 'the host of a registry', only: /package-lock\.json$/ },
  { pattern: /^registry *=|registry=http/m, what: 'the host of a registry', only: /\.npmrc$/ },
]

const BINARY = /\.(?:png|jpe?g|gif|ico|gz|tgz|zip|wasm|pdf)$/

/** No file of the repository names a machine, a registry host, or how it is developed. */
export const wordsCheck: Check = {
  name: 'words',
  async run(root) {
    const { stdout, code, stderr } = await runTool('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
    if (code !== 0) throw new Error(`git could not list the files: ${stderr}`)
    const files = [...new Set(stdout.split('\0'))].filter((file) => file !== '' && !BINARY.test(file))
    const found = files.flatMap((file) => {
      const text = readIfThere(join(root, file))
      return text === undefined ? [] : [findWords(file, text)]
    })
    return { checked: found.length, findings: found.flat() }
  },
}

/** A file that git still lists and that was removed is no finding. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EISDIR')) return undefined
    throw error
  }
}

/** The lines of a text with a banned word. */
export function findWords(file: string, text: string): Finding[] {
  const patterns = BANNED.filter(({ only }) => !only || only.test(file))
  return text.split('\n').flatMap((line, index) =>
    patterns.flatMap(({ pattern, what }) => {
      const word = pattern.exec(line)?.[0]
      return word ? [{ file: `${file}:${index + 1}`, rule: `"${word.trim()}" is ${what}`, fix: 'say it without' }] : []
    }),
  )
}
