import type { Socket } from 'node:net'
import { isRingfenceError, type Process, type Sandbox } from '@ringfence/core'

async function toSandbox(socket: Socket, process: Process): Promise<void> {
  const { stdin } = process
  try {
    // The end of one half leaves the other one open.
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) await stdin?.write(chunk)
  } catch (error) {
    // Who reads no more has closed that half: the other one may go on.
    if (!isRingfenceError(error, 'exec.invalid-stdin')) throw error
  }
  await stdin?.end()
}

async function fromSandbox(process: Process, socket: Socket): Promise<void> {
  for await (const { bytes } of process.output) {
    if (socket.destroyed) return
    if (!socket.write(bytes)) await drained(socket)
  }
  socket.end()
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
}

/** Joins a connection of this machine to a relay inside, until both halves have ended or one breaks. */
export async function tunnel(sandbox: Sandbox, script: string, port: number, socket: Socket): Promise<void> {
  let process: Process | undefined
  try {
    process = await sandbox.spawn(['sh', '-c', script, 'sh', String(port)], { stdin: true })
    // How it ends is told by its output.
    process.exit.catch(() => undefined)
    const inward = toSandbox(socket, process)
    // It is awaited below, unless the output ends first: then nobody reads any more.
    inward.catch(() => undefined)
    await fromSandbox(process, socket)
  } catch {
    // A broken tunnel is a broken connection: that is all that its user can see.
    socket.destroy()
  } finally {
    // What cannot be killed ends with its input.
    await process?.kill?.('SIGKILL').catch(() => undefined)
    await process?.detach().catch(() => undefined)
  }
}
