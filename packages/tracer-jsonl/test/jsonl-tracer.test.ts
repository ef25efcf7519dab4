import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { appendFile, lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expectCode } from '@ringfence/testkit'
import { jsonlTracer } from '@ringfence/tracer-jsonl'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MAX_WAITING, makeLineWriter } from '../src/line-writer.ts'
import { toNanoseconds } from '../src/span-line.ts'
import { readLines } from './places.ts'

const OPTIONS = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: '00f067aa0ba902b7', startTime: 1_800_000_000_000 }

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ringfence-traces-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

describe('the file', () => {
  test('has a line of JSON for each span', async () => {
    const file = join(folder(), 'spans.jsonl')
    const tracer = jsonlTracer({ file })
    const span = tracer.startSpan('exec', { ...OPTIONS, parentSpanId: 'b7ad6b7169203331', attributes: { 'process.exit.code': 0 } })
    span.addEvent('output\ncut', { bytes: 10 }, 1_800_000_000_001.25)
    span.setStatus({ code: 'error', message: 'line\u2028separator' })
    span.end(1_800_000_000_002)
    await tracer.shutdown?.()
    expect(await readFile(file, 'utf8')).toBe(
      '{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","parentSpanId":"b7ad6b7169203331","name":"exec",' +
        '"startTimeUnixNano":"1800000000000000000","endTimeUnixNano":"1800000000002000000","attributes":{"process.exit.code":0},' +
        '"events":[{"name":"output\\ncut","timeUnixNano":"1800000000001250000","attributes":{"bytes":10}}],' +
        '"status":{"code":"error","message":"line\u2028separator"}}\n',
    )
  })

  test('and its folders belong to their user alone; making a tracer makes nothing', async () => {
    const base = folder()
    const tracer = jsonlTracer({ file: join(base, 'a', 'b', 'spans.jsonl') })
    await tracer.flush?.()
    expect(await readdir(base)).toEqual([])
    const umask = process.umask(0)
    try {
      tracer.startSpan('span', OPTIONS).end(1)
      await tracer.flush?.()
    } finally {
      process.umask(umask)
    }
    for (const [path, mode] of [
      ['a', 0o700],
      ['a/b', 0o700],
      ['a/b/spans.jsonl', 0o600],
    ] as const)
      expect((await lstat(join(base, path))).mode & 0o777).toBe(mode)
  })

  test('is written without a flush, soon after the end of a span', async () => {
    const file = join(folder(), 'spans.jsonl')
    const exit = once(spawnWriter(file, 'alone', '30'), 'exit')
    expect((await exit)[0]).toBe(0)
    expect(await readLines(file)).toHaveLength(30)
  })

  test('is continued: what is there stays, and an unfinished line does no harm', async () => {
    const file = join(folder(), 'spans.jsonl')
    await writeFile(file, '{"name":"whole"}\n{"name":"unfin')
    const tracer = jsonlTracer({ file })
    for (const name of ['first', 'second']) {
      tracer.startSpan(name, OPTIONS).end(1)
      await tracer.flush?.()
    }
    const lines = (await readFile(file, 'utf8')).split('\n')
    expect(lines.slice(0, 2)).toEqual(['{"name":"whole"}', '{"name":"unfin'])
    expect(lines.slice(2, 4).map((line) => JSON.parse(line).name)).toEqual(['first', 'second'])
    expect(lines.slice(4)).toEqual([''])
  })

  test('may be moved away while spans are written', async () => {
    const file = join(folder(), 'spans.jsonl')
    const tracer = jsonlTracer({ file })
    tracer.startSpan('first', OPTIONS).end(1)
    await tracer.flush?.()
    await rename(file, `${file}.1`)
    tracer.startSpan('second', OPTIONS).end(1)
    await tracer.shutdown?.()
    expect((await readLines(`${file}.1`)).map(({ name }) => name)).toEqual(['first'])
    expect((await readLines(file)).map(({ name }) => name)).toEqual(['second'])
  })

  test('takes whole lines of several processes', async () => {
    const file = join(folder(), 'spans.jsonl')
    const exits = ['a', 'b', 'c'].map((name) => once(spawnWriter(file, name, '400'), 'exit'))
    expect((await Promise.all(exits)).map(([code]) => code)).toEqual([0, 0, 0])
    const names = (await readLines(file)).map(({ name }) => name)
    expect(names).toHaveLength(1_200)
    expect(new Set(names).size).toBe(1_200)
  })
})

function spawnWriter(...args: readonly string[]): ReturnType<typeof spawn> {
  const script = fileURLToPath(new URL('fixtures/writer.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=@ringfence/source', script, ...args], { stdio: 'inherit' })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return child
}

describe('a directory', () => {
  test('has a file for each trace; a trace id that is none is told by flush and names no file', async () => {
    const directory = join(folder(), 'traces')
    const tracer = jsonlTracer({ directory })
    const other = 'f'.repeat(32)
    tracer.startSpan('one', OPTIONS).end(1)
    tracer.startSpan('two', { ...OPTIONS, traceId: other }).end(1)
    tracer.startSpan('three', { ...OPTIONS, traceId: '../../escaped' }).end(1)
    const error = await expectCode(async () => tracer.flush?.(), 'tracer.failed')
    expect(error.message).toContain('A span was not written')
    expect((await readdir(directory)).sort()).toEqual([`${OPTIONS.traceId}.jsonl`, `${other}.jsonl`])
    await tracer.shutdown?.()
  })
})

describe('failures', () => {
  test('are counted, told once, and writing goes on when it can', async () => {
    const base = folder()
    const file = join(base, 'sub', 'spans.jsonl')
    await writeFile(join(base, 'sub'), 'in the way')
    const tracer = jsonlTracer({ file })
    for (let index = 0; index < 3; index += 1) tracer.startSpan('lost', OPTIONS).end(1)
    const error = await expectCode(async () => tracer.flush?.(), 'tracer.failed')
    expect(error.message).toContain('3 spans were not written')
    expect(error.message).toContain(file)
    expect(error.details).toEqual({ spans: 3 })
    await tracer.flush?.()
    await rm(join(base, 'sub'))
    await mkdir(join(base, 'sub'))
    await appendFile(file, '')
    tracer.startSpan('kept', OPTIONS).end(1)
    await tracer.shutdown?.()
    expect((await readLines(file)).map(({ name }) => name)).toEqual(['kept'])
  })

  test('do not end the process when nobody flushes', async () => {
    const base = folder()
    await writeFile(join(base, 'sub'), 'in the way')
    const [code] = await once(spawnWriter(join(base, 'sub', 'spans.jsonl'), 'x', '50', 'never'), 'exit')
    expect(code).toBe(0)
    const tracer = jsonlTracer({ file: join(base, 'sub', 'spans.jsonl') })
    const unhandled: unknown[] = []
    const listener = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', listener)
    onTestFinished(() => void process.off('unhandledRejection', listener))
    tracer.startSpan('lost', OPTIONS).end(1)
    await expectCode(async () => tracer.shutdown?.(), 'tracer.failed')
    expect(unhandled).toEqual([])
  })

  test('memory is bounded: what waits beyond it is lost and counted', async () => {
    const file = join(folder(), 'spans.jsonl')
    const writer = makeLineWriter(file)
    const line = 'x'.repeat(MAX_WAITING / 4)
    for (let index = 0; index < 6; index += 1) writer.add(file, line)
    const error = await expectCode(writer.flush(), 'tracer.failed')
    expect(error.details).toEqual({ spans: 2 })
    expect((await lstat(file)).size).toBe(4 * (line.length + 1))
    writer.add(file, 'short')
    await writer.flush()
  })

  test('options that name no place, or two, are refused', () => {
    expect(() => jsonlTracer({ file: '' })).toThrow('is no path')
    expect(() => jsonlTracer({ directory: 'a\0' })).toThrow('is no path')
    // @ts-expect-error: neither.
    expect(() => jsonlTracer({})).toThrow('Exactly one')
    // @ts-expect-error: both.
    expect(() => jsonlTracer({ file: 'a', directory: 'b' })).toThrow('Exactly one')
  })
})

test('times are exact to the nanosecond of a clock in milliseconds', () => {
  expect(toNanoseconds(0)).toBe('0')
  expect(toNanoseconds(1_800_000_000_123)).toBe('1800000000123000000')
  expect(toNanoseconds(1_800_000_000_123.25)).toBe('1800000000123250000')
  expect(toNanoseconds(-1.5)).toBe('-1500000')
  expect(toNanoseconds(Number.NaN)).toBe('0')
})
