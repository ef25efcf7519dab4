import type { PtyProcess } from '@ringfence/core'
import { beforeAll, expect, it } from 'vitest'
import { type LocalSandbox, readUntil, sh, testRoom, until } from './support.ts'

const room = testRoom()
const size = { columns: 100, rows: 40 }
let sandbox: LocalSandbox
beforeAll(async () => {
  sandbox = await room.create()
})

async function open(
  argv: readonly string[],
): Promise<{ readonly process: PtyProcess; readonly output: AsyncIterator<{ fd: 1 | 2; bytes: Uint8Array }> }> {
  const process = await sandbox.pty.open(argv, { size })
  return { process, output: process.output[Symbol.asyncIterator]() }
}

it('gives a terminal of the asked size, on one stream, and the exit code', async () => {
  const { process, output } = await open(['sh', '-c', 'tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo yes >&2; exit 3'])
  let text = ''
  for (let step = await output.next(); !step.done; step = await output.next()) {
    expect(step.value.fd).toBe(1)
    text += Buffer.from(step.value.bytes).toString()
  }
  expect(text).toMatch(/^\/dev\/pts\/\d+\r\n40 100\r\nyes\r\n$/)
  expect(await process.exit).toEqual({ code: 3, signal: null })
})

it('hands arguments over unchanged', async () => {
  const words = ['', "it's", '"$HOME" `id` \\', '-c', 'é 日本', '*']
  const { output } = await open(['printf', '<%s>', ...words])
  expect(await readUntil(output, '<*>')).toBe(words.map((word) => `<${word}>`).join(''))
})

it('interrupts the foreground program by the byte 3, and the shell goes on', async () => {
  const { process, output } = await open(['sh', '-i'])
  await process.stdin.write(Buffer.from('cat\n'))
  // The shell says its prompt before it hands the terminal over: what comes back twice was read by cat.
  await process.stdin.write(Buffer.from('mark\n'))
  await readUntil(output, /mark[\s\S]*mark/)
  await process.stdin.write(Buffer.from([3]))
  await readUntil(output, /\^C[\s\S]*\$ $/)
  await process.stdin.write(Buffer.from('echo af""ter $?\n'))
  await readUntil(output, /after \d+/)
  await process.stdin.write(Buffer.from('exit 5\n'))
  while (!(await output.next()).done);
  expect((await process.exit).code).toBe(5)
})

it('tells the program when the size changes', async () => {
  const { process, output } = await open(['sh', '-c', 'trap "stty size; exit 0" WINCH; echo ready; while :; do sleep 0.05; done'])
  await readUntil(output, 'ready')
  await process.resize({ columns: 132, rows: 50 })
  expect(await readUntil(output, /\d+ \d+\r\n/)).toContain('50 132')
  while (!(await output.next()).done);
  expect(await process.exit).toEqual({ code: 0, signal: null })
})

it('refuses a size that is none, and a program that is not there', async () => {
  await expect(sandbox.pty.open(['sh'], { size: { columns: 0, rows: 1 } })).rejects.toMatchObject({ code: 'config.invalid' })
  await expect(sandbox.pty.open(['no-such-program'], { size })).rejects.toMatchObject({ code: 'exec.spawn-failed' })
})

it('kills what runs on the terminal', async () => {
  const { process, output } = await open(['sh', '-c', 'trap "" HUP; echo ready; sleep 1000'])
  await readUntil(output, 'ready')
  await process.kill?.('SIGKILL')
  while (!(await output.next()).done);
  expect((await process.exit).code).toBe(137)
})

it('hangs up when it is closed', async () => {
  const { process, output } = await open([
    'sh',
    '-c',
    'trap "echo hung > /workspace/hung; exit" HUP; echo ready; while :; do sleep 0.05; done',
  ])
  await readUntil(output, 'ready')
  await process.detach()
  await until(async () => (await sh(sandbox, 'cat /workspace/hung 2>/dev/null')) === 'hung')
})
