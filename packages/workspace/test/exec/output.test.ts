import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '@ringfence/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Redactor } from '../../src/exec/index.ts'
import { type Fixture, fixture, processesWith, until, WIRES } from './fixture.ts'

const SIZE = 20 * 1024 * 1024
const BLOCK = Buffer.from(Array.from({ length: 4096 }, (_, n) => (n * 7 + (n >> 8)) & 0xff))

describe.each(Object.entries(WIRES))('output over %s', (_, host) => {
  let it_: Fixture
  beforeAll(async () => {
    it_ = await fixture(host())
    writeFileSync(join(it_.sandbox.info.workspace, 'block'), Buffer.concat(Array.from({ length: 256 }, () => BLOCK)))
  })
  afterAll(async () => {
    await it_[Symbol.asyncDispose]()
  })

  it('streams what is large', async () => {
    const line = 'i=0; while [ $i -lt 20 ]; do cat block; i=$((i+1)); done; echo done >&2'
    const command = await it_.exec.start(line, { opId: it_.id() })
    const parts: Uint8Array[] = []
    let errors = ''
    for await (const { fd, bytes } of command.output) {
      if (fd === 1) parts.push(bytes)
      else errors += Buffer.from(bytes).toString()
    }
    const all = Buffer.concat(parts)
    expect(all.length).toBe(SIZE)
    expect(sha256(all)).toBe(sha256(Buffer.concat(Array.from({ length: SIZE / BLOCK.length }, () => BLOCK))))
    expect(errors).toBe('done\n')
    expect(await command.exit).toMatchObject({ exitCode: 0, outputCut: false })
  })

  it('gives what is around the size of one answer', async () => {
    for (const size of [65_535, 65_536, 65_537, 200_000]) {
      const { stdout, stderr, truncated } = await it_.exec.exec(`head -c ${size} /dev/zero; head -c ${size} /dev/zero >&2`, {
        opId: it_.id(),
      })
      expect([stdout.length, stderr.length, truncated]).toEqual([size, size, false])
    }
  })

  it('leaves out the middle of what is too much', async () => {
    const line = 'echo begin; head -c 3000000 /dev/zero | tr "\\0" x; echo; echo end'
    const { stdout, truncated } = await it_.exec.exec(line, { opId: it_.id(), maxOutputBytes: 1000 })
    expect(truncated).toBe(true)
    expect(stdout.startsWith('begin\nxxx')).toBe(true)
    expect(stdout.endsWith('xxx\nend\n')).toBe(true)
    expect(stdout).toContain('\n[... 2999011 bytes left out ...]\n')
    const small = await it_.exec.exec('printf 1234567890; printf "ääää" >&2', { opId: it_.id(), maxOutputBytes: 6 })
    expect(small.stdout).toBe('123\n[... 4 bytes left out ...]\n890')
    expect(small.stderr).toBe('ä\n[... 4 bytes left out ...]\nä')
  })

  it('cuts at the limit and kills', async () => {
    const opId = it_.id()
    const line = ': ringfence-limit; while :; do head -c 50000 /dev/zero; sleep 0.1; done'
    const failing = it_.exec.exec(line, { opId, maxSpoolBytes: 100_000 })
    await expect(failing).rejects.toMatchObject({ code: 'exec.output-limit', details: { opId, bytes: 100_000, stream: 'stdout' } })
    await until(() => processesWith('ringfence-limit') === 0)
    const command = await it_.exec.start('head -c 5000 /dev/zero >&2; echo ok', { opId: it_.id(), maxSpoolBytes: 1000 })
    let bytes = 0
    for await (const chunk of command.output) if (chunk.fd === 2) bytes += chunk.bytes.length
    expect(bytes).toBe(1000)
    await expect(command.exit).rejects.toMatchObject({ code: 'exec.output-limit', details: { stream: 'stderr' } })
    await expect(it_.exec.exec('head -c 1001 /dev/zero', { opId: it_.id(), maxSpoolBytes: 1000 })).rejects.toMatchObject({
      code: 'exec.output-limit',
    })
    expect((await it_.exec.exec('head -c 1000 /dev/zero', { opId: it_.id(), maxSpoolBytes: 1000 })).stdout.length).toBe(1000)
  })

  it('passes everything through the redactor', async () => {
    const redact = (): Redactor => {
      let held = ''
      return (bytes, isLast) => {
        const text = (held + Buffer.from(bytes).toString('latin1')).replaceAll('secret', '******')
        const keep = isLast ? 0 : Math.min(5, text.length)
        held = text.slice(text.length - keep)
        return Buffer.from(text.slice(0, text.length - keep), 'latin1')
      }
    }
    const exec = await it_.again({ redact })
    const { stdout, stderr } = await exec.exec('echo a secret; echo another secret >&2', { opId: it_.id() })
    expect([stdout, stderr]).toEqual(['a ******\n', 'another ******\n'])
    // The cut goes through the middle of a secret, and neither half is shown.
    const line = 'printf 1234567sec; printf ret; head -c 300000 /dev/zero; printf secre; printf t1234567'
    const cut = await exec.exec(line, { opId: it_.id(), maxOutputBytes: 20 })
    expect(cut.stdout.startsWith('1234567***\n[')).toBe(true)
    expect(cut.stdout.endsWith(']\n***1234567')).toBe(true)
    const command = await exec.start('printf sec; sleep 0.3; printf ret', { opId: it_.id() })
    let text = ''
    for await (const { bytes } of command.output) text += Buffer.from(bytes).toString()
    expect(text).toBe('******')
  })
})
