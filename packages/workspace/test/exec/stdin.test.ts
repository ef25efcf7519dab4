import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fixture, fixture, textOf, WIRES } from './fixture.ts'

describe.each(Object.entries(WIRES))('live stdin over %s', (_, host) => {
  let it_: Fixture
  beforeAll(async () => {
    it_ = await fixture(host())
  })
  afterAll(async () => {
    await it_[Symbol.asyncDispose]()
  })

  it('talks with a command', async () => {
    const command = await it_.exec.start('while read -r line; do printf "got %s\\n" "$line"; done; echo over', {
      opId: it_.id(),
      stdin: 'open',
    })
    await command.stdin?.write('one\n')
    let text = ''
    for await (const { bytes } of command.output) {
      text += Buffer.from(bytes).toString()
      if (text === 'got one\n') {
        await command.stdin?.write("it's %s \\n two\n")
        await command.stdin?.end()
        await command.stdin?.end()
      }
    }
    expect(text).toBe("got one\ngot it's %s \\n two\nover\n")
    expect(await command.exit).toMatchObject({ exitCode: 0 })
    await expect(command.stdin?.write('late')).rejects.toMatchObject({ code: 'exec.invalid-stdin' })
  })

  it('brings bytes as they are, and makes the writer wait', async () => {
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, n) => (n * 31) & 0xff))
    const command = await it_.exec.start('sleep 0.3; cat >copy', { opId: it_.id(), stdin: 'open' })
    await command.stdin?.write(bytes)
    await command.stdin?.end()
    await command.exit
    expect(readFileSync(join(it_.sandbox.info.workspace, 'copy')).equals(bytes)).toBe(true)
  })

  it('tells that nobody reads any more', async () => {
    const command = await it_.exec.start('exit 3', { opId: it_.id(), stdin: 'open' })
    expect(await command.exit).toMatchObject({ exitCode: 3 })
    await expect(command.stdin?.write('x')).rejects.toMatchObject({ code: 'exec.invalid-stdin' })
    const blocked = await it_.exec.start('sleep 0.5', { opId: it_.id(), stdin: 'open' })
    await expect(blocked.stdin?.write(Buffer.alloc(300_000))).rejects.toMatchObject({ code: 'exec.invalid-stdin' })
    const none = await it_.exec.start('cat', { opId: it_.id() })
    expect(none.stdin).toBeUndefined()
    expect(await none.exit).toMatchObject({ exitCode: 0 })
  })

  it('is found again by another process', async () => {
    const opId = it_.id()
    await it_.exec.start('cat; exit 8', { opId, stdin: 'open' })
    const other = await it_.again({ resumeFrom: it_.exec.control })
    const command = await other.attach(opId)
    await command.stdin?.write('from elsewhere')
    await command.stdin?.end()
    expect(await textOf(command.output)).toBe('from elsewhere')
    expect(await command.exit).toMatchObject({ exitCode: 8 })
  })
})

describe.each(Object.entries(WIRES).filter(([name]) => name.startsWith('resident')))('secret variables over %s', (_, host) => {
  it('reach the command and nothing else', async () => {
    const argvs: string[] = []
    await using it_ = await fixture({ ...host(), onSpawn: (argv) => void argvs.push(argv.join(' ')) })
    const value = `s3cr3t-'"$\n-${process.pid}`
    const line = 'printf "%s" "$TOKEN"; cat /proc/[0-9]*/cmdline >cmdlines 2>/dev/null; true'
    const result = await it_.exec.exec(line, { opId: it_.id(), secretEnv: { TOKEN: value } })
    expect(result.stdout).toBe(value)
    const needle = `s3cr3t-'"$`
    expect(readFileSync(join(it_.sandbox.info.workspace, 'cmdlines'), 'latin1')).not.toContain(needle)
    expect(argvs.join('\n')).not.toContain(needle)
    const directory = it_.exec.control.entries[0]?.path ?? ''
    for (const name of readdirSync(directory)) {
      const file = join(directory, name)
      if (statSync(file).isFile() && !name.endsWith('.o')) expect(readFileSync(file, 'latin1')).not.toContain(needle)
    }
    await expect(it_.exec.exec('true', { opId: it_.id(), cwd: 'missing', secretEnv: { TOKEN: value } })).rejects.toMatchObject({
      code: 'exec.spawn-failed',
    })
    expect(readdirSync(directory).filter((name) => name.startsWith('put'))).toEqual([])
    expect(statSync(directory).mode & 0o777).toBe(0o700)
  })
})
