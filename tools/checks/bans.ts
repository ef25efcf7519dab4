import ts from 'typescript'
import type { Check, Finding } from './lib/check.ts'
import { publishedSources, readText } from './lib/repository.ts'

/** Where the real clock and the real randomness live. */
const RUNTIME = /^packages\/core\/src\/runtime\//

/** Plugins that are wrong on purpose: what they throw is part of it. */
const MUTANTS = /\/mutants\//

const CLOCK_FIX = 'take `clock` or `random` of the RuntimeContext'
const AMBIENT_MEMBERS = new Set([
  'Date.now',
  'performance.now',
  'Math.random',
  'AbortSignal.timeout',
  'crypto.randomUUID',
  'crypto.getRandomValues',
])
const AMBIENT_CALLS = new Set(['setTimeout', 'setInterval'])
const AMBIENT_IMPORTS = new Set(['randomUUID', 'randomBytes', 'randomInt', 'getRandomValues', 'performance'])
const TIMER_MODULES = /^(?:node:)?timers(?:\/promises)?$/

const BUILT_IN = /^(?:Aggregate|Eval|Range|Reference|Syntax|Type|URI)?Error$/

/** What published sources may not do: `any`, double casts, bare errors, ambient time and randomness, swallowed errors. */
export const bansCheck: Check = {
  name: 'bans',
  run(root) {
    const files = publishedSources(root)
    return { checked: files.length, findings: files.flatMap((file) => findBans(file, readText(root, file))) }
  },
}

/** The places of one file that break a ban. */
export function findBans(file: string, text: string): Finding[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const findings: Finding[] = []
  const report = (node: ts.Node, rule: string, fix: string): void => {
    findings.push({ file: `${file}:${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1}`, rule, fix })
  }
  const visit = (node: ts.Node): void => {
    visitTypes(node, report)
    visitSwallowed(node, source, report)
    if (!MUTANTS.test(file)) visitThrown(node, source, report)
    if (!RUNTIME.test(file)) visitAmbient(node, source, report)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return findings
}

type Report = (node: ts.Node, rule: string, fix: string) => void

function visitTypes(node: ts.Node, report: Report): void {
  if (node.kind === ts.SyntaxKind.AnyKeyword) report(node, '`any`', 'use `unknown` and narrow it')
  if (ts.isAsExpression(node) && ts.isAsExpression(node.expression)) report(node, 'a double cast', 'narrow the value, or correct the type')
}

function visitThrown(node: ts.Node, source: ts.SourceFile, report: Report): void {
  if (!ts.isNewExpression(node) || !isThrown(node, source)) return
  const name = node.expression.getText(source)
  if (BUILT_IN.test(name)) report(node, `a bare \`${name}\``, 'throw a RingfenceError with a code of the catalogue')
}

function visitSwallowed(node: ts.Node, source: ts.SourceFile, report: Report): void {
  if (ts.isCatchClause(node) && node.block.statements.length === 0 && !hasComment(node, source)) {
    report(node, 'an error is swallowed', 'handle it, or say in a comment within the block why it may be ignored')
  }
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const handler = handlerOf(node, node.expression.name.text)
    if (handler && isEmptyFunction(handler) && !hasComment(handler, source)) {
      report(handler, 'a rejection is swallowed', 'handle it, or say in a comment above why it may be ignored')
    }
  }
}

/** The function that a call of `catch` or `then` gives for a rejection. */
function handlerOf(node: ts.CallExpression, method: string): ts.Node | undefined {
  if (method === 'catch') return node.arguments[0]
  return method === 'then' ? node.arguments[1] : undefined
}

/** Whether a new value is thrown, or rejects a promise. The reason of an abort is another matter. */
function isThrown({ parent }: ts.Node, source: ts.SourceFile): boolean {
  return ts.isThrowStatement(parent) || (ts.isCallExpression(parent) && /(?:^|\.)reject$/.test(parent.expression.getText(source)))
}

/** A function that does nothing with what it is given. */
function isEmptyFunction(node: ts.Node): boolean {
  if (!ts.isArrowFunction(node) && !ts.isFunctionExpression(node)) return false
  if (ts.isBlock(node.body)) return node.body.statements.length === 0
  return node.body.kind === ts.SyntaxKind.NullKeyword || node.body.getText() === 'undefined' || ts.isVoidExpression(node.body)
}

/** Lines above a swallowed error where a comment counts: one often speaks of a few lines. */
const ABOVE = 3

/** Whether a comment stands in a node, on its lines, or shortly above it. */
function hasComment(node: ts.Node, source: ts.SourceFile): boolean {
  const lines = source.text.split('\n')
  const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line
  const last = source.getLineAndCharacterOfPosition(node.end).line
  return lines.slice(Math.max(0, first - ABOVE), last + 1).some((line) => /(?:^|[^:])\/\/|\/\*/.test(line))
}

function visitAmbient(node: ts.Node, source: ts.SourceFile, report: Report): void {
  if (ts.isPropertyAccessExpression(node)) {
    const name = node.getText(source).replace(/^globalThis\./, '')
    if (AMBIENT_MEMBERS.has(name)) report(node, `a bare \`${name}\``, CLOCK_FIX)
  }
  if (ts.isCallExpression(node) && AMBIENT_CALLS.has(node.expression.getText(source).replace(/^globalThis\./, ''))) {
    report(node, `a bare \`${node.expression.getText(source)}\``, CLOCK_FIX)
  }
  if (ts.isNewExpression(node) && node.expression.getText(source) === 'Date' && (node.arguments?.length ?? 0) === 0) {
    report(node, 'a bare `new Date()`', CLOCK_FIX)
  }
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    if (TIMER_MODULES.test(node.moduleSpecifier.text)) report(node, `the bare timers of "${node.moduleSpecifier.text}"`, CLOCK_FIX)
  }
  if (ts.isImportSpecifier(node) && AMBIENT_IMPORTS.has((node.propertyName ?? node.name).text)) {
    report(node, `a bare \`${(node.propertyName ?? node.name).text}\``, CLOCK_FIX)
  }
}
