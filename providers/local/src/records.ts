import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LIMIT_NAMES, type LimitName, type Limits } from '@ringfence/core'
import { errnoOf } from './errors.ts'
import type { Layout } from './layout.ts'

/** Written with the claim of a directory: who makes the sandbox, and what was asked for. */
export interface Intent {
  readonly generation: string
  /** The process that makes it, and when that started, in ticks of the kernel. */
  readonly creator: { readonly pid: number; readonly started: string }
  readonly isolation: 'process' | 'none'
  readonly egress: 'none' | 'open'
  readonly limits: Limits
}

/** Written when the sandbox can be used. */
export interface Ready {
  readonly generation: string
  readonly limits: readonly LimitName[]
}

/** Writes the record of a claim. */
export function writeIntent(directory: string, intent: Intent): void {
  writeFileSync(join(directory, 'intent.json'), JSON.stringify(intent), { mode: 0o600 })
}

/** Writes, at one stroke, that a sandbox can be used. */
export function writeReady({ directory, ready }: Layout, record: Ready): void {
  const made = join(directory, '.ready')
  writeFileSync(made, JSON.stringify(record), { mode: 0o600 })
  renameSync(made, ready)
}

/** The intent of a sandbox; `undefined` when there is no such directory. */
export function readIntent({ intent }: Layout): Intent | undefined {
  const value = readRecord(intent)
  if (!value || typeof value.generation !== 'string' || !isObject(value.creator)) return undefined
  const { pid, started } = value.creator
  if (typeof pid !== 'number' || typeof started !== 'string') return undefined
  return {
    generation: value.generation,
    creator: { pid, started },
    isolation: value.isolation === 'none' ? 'none' : 'process',
    egress: value.egress === 'open' ? 'open' : 'none',
    limits: limitsIn(value.limits),
  }
}

/** The record of a sandbox that can be used; `undefined` before, and when it is gone. */
export function readReady({ ready }: Layout): Ready | undefined {
  const value = readRecord(ready)
  if (!value || typeof value.generation !== 'string' || !Array.isArray(value.limits)) return undefined
  const names: readonly unknown[] = value.limits
  return { generation: value.generation, limits: LIMIT_NAMES.filter((name) => names.includes(name)) }
}

/** This process, told apart from a later one with the same number. */
export function thisProcess(): Intent['creator'] {
  return { pid: process.pid, started: startOf(process.pid) ?? '' }
}

/** Whether the process of a record still runs. */
export function isRunning({ pid, started }: Intent['creator']): boolean {
  return startOf(pid) === started
}

function startOf(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function readRecord(path: string): Record<string, unknown> | undefined {
  const text = readText(path)
  if (text === undefined) return undefined
  const value: unknown = JSON.parse(text)
  return isObject(value) ? value : undefined
}

/** The host's number of the first process of a sandbox; `undefined` while bubblewrap has not told it. */
export function readFirst({ info }: Layout): number | undefined {
  const pid = /"child-pid":\s*(\d+)/.exec(readText(info) ?? '')?.[1]
  return pid === undefined ? undefined : Number(pid)
}

/** The control groups of a sandbox. */
export function readGroups({ cgroups }: Layout): readonly string[] {
  return (readText(cgroups) ?? '').split('\n').filter(Boolean)
}

/** The text of a file, `undefined` when there is none. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH' || errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}

function limitsIn(value: unknown): Limits {
  const limits: Partial<Record<LimitName, number>> = {}
  if (!isObject(value)) return limits
  for (const name of LIMIT_NAMES) {
    const limit = value[name]
    if (typeof limit === 'number') limits[name] = limit
  }
  return limits
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
