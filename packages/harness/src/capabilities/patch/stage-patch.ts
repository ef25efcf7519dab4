import { type FileStat, isRingfenceError, RingfenceError, type WorkspaceHandle } from '@ringfence/core'
import { describeError } from '../define-tool.ts'
import { resolvePath } from '../resolve-path.ts'
import { applyHunks } from './match-hunks.ts'
import type { PatchOperation } from './parse-patch.ts'
import { refuse } from './refuse.ts'

/** The largest file that a patch changes, moves or deletes: 10 MiB. */
const MAX_PATCHED_BYTES: number = 10 * 1024 * 1024

/** A file with its content. */
export interface FileState {
  readonly bytes: Uint8Array
  /** Permission bits. */
  readonly mode: number
}

/** What a patch makes of one path. `undefined`: nothing is there. */
export interface FileChange {
  readonly path: string
  readonly before: FileState | undefined
  readonly after: FileState | undefined
}

/** A patch that was checked, and not yet written. */
export interface StagedPatch {
  readonly changes: readonly FileChange[]
  /** A line each, as `M src/a.ts`. */
  readonly summary: readonly string[]
}

/** Where the paths of a patch begin ("" is the workspace itself), and what aborts it. */
export interface PatchPlace {
  readonly cwd: string
  readonly signal: AbortSignal
}

/** What is at a path: `undefined` when nothing is, `unread` when something is whose content does not matter. */
type Found = FileState | 'unread' | undefined

/** Reads all files of a patch at once and works out what becomes of each. Writes nothing. */
export async function stagePatch(
  workspace: WorkspaceHandle,
  operations: readonly PatchOperation[],
  place: PatchPlace,
): Promise<StagedPatch> {
  const resolved = operations.map((operation) => resolveOperation(operation, place.cwd, workspace.root))
  const sources = new Set(resolved.flatMap(({ type, path }) => (type === 'add' ? [] : [path])))
  const targets = new Set(resolved.flatMap((operation) => targetOf(operation) ?? []))
  const before = new Map<string, Found>()
  await Promise.all([
    ...[...sources].map(async (path) => void before.set(path, await readSource(workspace, path, place.signal))),
    ...[...targets]
      .filter((path) => !sources.has(path))
      .map(async (path) => void before.set(path, await look(workspace, path, place.signal))),
  ])
  const after = new Map(before)
  const summary = resolved.map((operation) => stageOperation(operation, after))
  const changes = [...after].flatMap(([path, state]) => {
    const old = before.get(path)
    if (state === old || state === 'unread' || old === 'unread') return []
    return [{ path, before: old, after: state }]
  })
  return { changes, summary }
}

function resolveOperation(operation: PatchOperation, cwd: string, root: string): PatchOperation {
  const path = resolvePath(operation.path, cwd, root)
  if (operation.type !== 'update' || operation.moveTo === undefined) return { ...operation, path }
  const moveTo = resolvePath(operation.moveTo, cwd, root)
  return { ...operation, path, moveTo: moveTo === path ? undefined : moveTo }
}

function targetOf(operation: PatchOperation): string | undefined {
  if (operation.type === 'add') return operation.path
  return operation.type === 'update' ? operation.moveTo : undefined
}

async function look(workspace: WorkspaceHandle, path: string, signal: AbortSignal): Promise<Found> {
  return (await workspace.stat(path, { signal })) && 'unread'
}

async function readSource(workspace: WorkspaceHandle, path: string, signal: AbortSignal): Promise<Found> {
  const reading = workspace.readFile(path, { signal, maxBytes: MAX_PATCHED_BYTES })
  const [bytes, stat] = await Promise.allSettled([reading, workspace.stat(path, { signal })])
  if (stat.status === 'rejected') throw stat.reason
  checkSource(path, stat.value)
  if (bytes.status === 'rejected') {
    if (isRingfenceError(bytes.reason, 'fs.not-found')) return undefined
    throw bytes.reason
  }
  return { bytes: bytes.value, mode: stat.value?.mode ?? 0o644 }
}

function checkSource(path: string, stat: FileStat | undefined): void {
  if (stat?.type === 'directory') throw refuse(`"${path}" is a directory, and a patch changes files`)
  if (stat?.type === 'symlink') throw refuse(`"${path}" is a link`, 'Name the file that it leads to, or use a command.')
  if (stat && stat.size > MAX_PATCHED_BYTES)
    throw refuse(`"${path}" has ${stat.size} bytes, more than the ${MAX_PATCHED_BYTES} that a patch takes`, 'Use a command.')
}

/** Does one operation on the staged files; a later one of the same patch sees what an earlier one did. */
function stageOperation(operation: PatchOperation, files: Map<string, Found>): string {
  const { path } = operation
  if (operation.type === 'add') {
    if (files.get(path)) throw refuse(`"${path}" cannot be added, because it exists`, 'Use "*** Update File:" to change it.')
    files.set(path, { bytes: Buffer.from(`${operation.lines.join('\n')}\n`), mode: 0o644 })
    return `A ${path}`
  }
  const source = files.get(path)
  if (!source || source === 'unread') throw refuse(`"${path}" does not exist`, 'Check the path; use "*** Add File:" to make it.')
  if (operation.type === 'delete') {
    files.set(path, undefined)
    return `D ${path}`
  }
  const { moveTo, hunks } = operation
  if (moveTo !== undefined && files.get(moveTo)) throw refuse(`"${path}" cannot be moved to "${moveTo}", because that exists`)
  const bytes = hunks.length === 0 ? source.bytes : Buffer.from(changed(path, source.bytes, operation.hunks))
  if (moveTo !== undefined) files.set(path, undefined)
  files.set(moveTo ?? path, { bytes, mode: source.mode })
  return moveTo === undefined ? `M ${path}` : `M ${moveTo} (was ${path})`
}

function changed(path: string, bytes: Uint8Array, hunks: Parameters<typeof applyHunks>[1]): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new RingfenceError('config.invalid', `"${path}" is not UTF-8 text, and a patch changes text alone`, {
      effect: 'none',
      hint: 'Use a command to change it.',
      cause,
    })
  }
  try {
    return applyHunks(text, hunks)
  } catch (error) {
    if (!isRingfenceError(error)) throw error
    throw refuse(`"${path}" cannot be changed. ${describeError(error)}`)
  }
}
