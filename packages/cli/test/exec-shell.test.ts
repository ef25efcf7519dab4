import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { shellCode } from '../src/commands/exec.ts'
import { NODE_ARGS, runCli } from './run-cli.ts'

/** Whether a process of this machine, in any sandbox, has this among its arguments. */
function isRunning(mark: string): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(mark)
    } catch {
      // It has ended meanwhile.
      return false
    }
  })
}

/** Seconds that nobody else sleeps. */
const markFor = (index: number): string => `86${process.pid}.${index}`

describe('exec', () => {
  test('passes on output and exit code, and nothing of the host', async () => {
    const { code, stdout, stderr } = await runCli(['exec', '--', 'sh', '-c', 'echo out; echo err >&2; env; exit 9'], {
      env: { HOST_ONLY: 'value-of-the-host' },
    })
    expect(code).toBe(9)
    expect(stdout).toContain('out\n')
    expect(stdout).not.toContain('value-of-the-host')
    expect(stderr).toContain('err\n')
  })

  test('leaves the options of the command to the command', async () => {
    expect(await runCli(['exec', 'printf', '%s.', '--json', '-p', 'x'])).toMatchObject({ code: 0, stdout: '--json.-p.x.' })
    expect(await runCli(['exec', 'echo $((40 + 2))'])).toMatchObject({ code: 0, stdout: '42\n' })
  })

  test('in JSON gives text whole, and how it ended', async () => {
    // Longer than a pipe, whose pieces end within a character.
    const { code, events } = await runCli(['exec', '--json', 'sh', '-c', 'yes ä | head -n 90000; kill -TERM $$'])
    const text = events.flatMap((event) => (event.type === 'output' ? [String(event.text)] : [])).join('')
    expect([code, text === 'ä\n'.repeat(90_000)]).toEqual([143, true])
    expect(events.at(-1)).toEqual({ type: 'exit', exitCode: null, signal: 'SIGTERM', timedOut: false })
  })

  test('says that the time was up', async () => {
    const { code, stderr } = await runCli(['exec', '--timeout', '1', 'sleep', markFor(1)])
    expect([code, stderr]).toEqual([124, 'killed after 1 s: --timeout\n'])
    expect(isRunning(markFor(1))).toBe(false)
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('ends its sandbox at %s', async (signal) => {
    const mark = markFor(['SIGINT', 'SIGTERM', 'SIGHUP'].indexOf(signal) + 2)
    const { code, stderr } = await runCli(['exec', `echo begun; exec sleep ${mark}`], { interruptAt: 'begun', signal })
    expect([code, stderr]).toEqual([130, '\ninterrupted: cleaning up (again to stop at once)\n'])
    expect(isRunning(mark)).toBe(false)
  })

  test('ends its sandbox when nobody reads any more', async () => {
    const mark = markFor(5)
    const { code, stderr } = await runCli(['exec', `sleep ${mark} & yes`], { closeAt: 'y\ny\n' })
    expect([code, stderr]).toEqual([130, ''])
    expect(isRunning(mark)).toBe(false)
  })

  test.each([
    [{ exitCode: 0, signal: null, timedOut: false }, 0],
    [{ exitCode: 7, signal: null, timedOut: false }, 7],
    [{ exitCode: null, signal: 'SIGINT', timedOut: false }, 130],
    [{ exitCode: null, signal: 'SIGUNKNOWN', timedOut: false }, 137],
    [{ exitCode: null, signal: 'SIGKILL', timedOut: true }, 124],
  ])('%j is the exit code %i', (exit, code) => {
    expect(shellCode(exit)).toBe(code)
  })
})

const SCRIPT = '/usr/bin/script'

describe.skipIf(!existsSync(SCRIPT))('shell (apt-get install bsdutils)', () => {
  let kill: () => void = () => undefined
  afterEach(() => kill())

  /** Types each text when the one before it was answered. Gives the exit code, and all that was seen. */
  function type(steps: readonly (readonly [seen: string, typed: string])[]): Promise<{ code: number | null; screen: string }> {
    const line = [process.execPath, ...NODE_ARGS, 'shell'].map((word) => `'${word}'`).join(' ')
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, SHELL: '/bin/sh', TERM: 'dumb' }
    const child = spawn(SCRIPT, ['-qefc', line, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'ignore'] })
    kill = () => child.kill('SIGKILL')
    let screen = ''
    let from = 0
    const waiting = [...steps]
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      screen += text
      const [next] = waiting
      if (!next || !screen.slice(from).includes(next[0])) return
      from = screen.length
      waiting.shift()
      child.stdin.write(next[1])
    })
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => resolve({ code, screen }))
    })
  }

  test('is a terminal: its size, Ctrl-C for what runs inside, and the exit code of the shell', async () => {
    const mark = markFor(6)
    const { code, screen } = await type([
      ['$ ', 'echo six-is-$((2 * 3))\n'],
      ['six-is-6', `trap 'echo caught' INT; echo ready-$((1 + 1)); sleep ${mark}\n`],
      ['ready-2', '\u0003'],
      ['caught', 'test -t 0 && echo on-a-$((1))-terminal\n'],
      ['on-a-1-terminal', 'exit 7\n'],
    ])
    expect(code, screen).toBe(7)
    expect(screen).toContain('it ends with the shell')
    expect(isRunning(mark)).toBe(false)
  })

  test('ends with the end of what is typed', async () => {
    const { code, screen } = await type([['$ ', '\u0004']])
    expect(code, screen).toBe(0)
  })
})
