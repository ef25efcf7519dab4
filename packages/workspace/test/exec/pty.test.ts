import { type PtyFacet, type Sandbox, systemClock, systemRandom } from '@ringfence/core'
import { quoteAll } from '@ringfence/core/plugin'
import { describe, expect, it } from 'vitest'
import { openExec } from '../../src/exec/index.ts'
import { type Fixture, fixture, processesWith, until } from './fixture.ts'

/** A terminal by `script` of util-linux. */
function withTerminal(sandbox: Sandbox): Sandbox {
  const pty: PtyFacet = {
    async open(argv) {
      const process = await sandbox.spawn(['script', '-qec', quoteAll(argv), '/dev/null'], { stdin: true })
      if (!process.stdin) throw new TypeError('no stdin')
      return { ...process, stdin: process.stdin, resize: async () => undefined }
    },
  }
  return { ...sandbox, pty }
}

const size = { columns: 80, rows: 24 }

async function onTerminal(it_: Fixture) {
  const sandbox = withTerminal(it_.sandbox)
  return openExec({ sandbox, epoch: 1, env: { BASE: "ba'se" }, clock: systemClock, random: systemRandom, killGraceMs: 200 })
}

describe('a terminal', () => {
  it('runs a command with directory, variables and stdin', async () => {
    await using it_ = await fixture()
    const exec = await onTerminal(it_)
    await exec.exec('mkdir sub', { opId: it_.id() })
    const opId = it_.id()
    const command = await exec.start('tty >/dev/null && echo terminal; pwd; echo "$BASE $TOKEN"; read -r x; echo "got $x"; exit 4', {
      opId,
      pty: size,
      cwd: 'sub',
      secretEnv: { TOKEN: 's3cr3t-token' },
    })
    let text = ''
    let written = false
    for await (const { bytes } of command.output) {
      text += Buffer.from(bytes).toString()
      if (!written && text.includes('s3cr3t-token')) {
        written = true
        await command.stdin?.write('typed\n')
      }
    }
    expect(text.replaceAll('\r', '')).toContain(`terminal\n${it_.sandbox.info.workspace}/sub\nba'se s3cr3t-token\n`)
    expect(text).toContain('got typed')
    expect(await command.exit).toMatchObject({ exitCode: 4, timedOut: false })
    await command.resize?.({ columns: 100, rows: 30 })
    await expect(exec.attach(opId)).rejects.toMatchObject({ code: 'exec.lost' })
    await expect(exec.start('true', { opId, pty: size })).rejects.toMatchObject({ code: 'exec.lost', effect: 'none' })
    await expect(exec.start('true', { opId: it_.id(), pty: size, cwd: 'missing' })).rejects.toMatchObject({ code: 'exec.spawn-failed' })
    await exec.close()
  })

  it('is killed by name, by deadline and by abort', async () => {
    await using it_ = await fixture()
    const exec = await onTerminal(it_)
    const word = `34${process.pid}`
    const line = `sleep ${word} & sleep ${word}`
    const killed = await exec.start(line, { opId: it_.id(), pty: size })
    await until(() => processesWith(`sleep ${word}`) > 1)
    await killed.kill('SIGKILL')
    await killed.exit
    const late = await exec.start(line, { opId: it_.id(), pty: size, timeoutMs: 300 })
    expect(await late.exit).toMatchObject({ timedOut: true })
    const abort = new AbortController()
    const aborted = await exec.start(line, { opId: it_.id(), pty: size, signal: abort.signal })
    abort.abort()
    await expect(aborted.exit).rejects.toMatchObject({ name: 'AbortError' })
    await until(() => processesWith(`sleep ${word}`) === 0)
    await exec.close()
  })
})
