import { createServer, type Server, type Socket } from 'node:net'
import { RingfenceError, type Sandbox, throwIfAborted } from '@ringfence/core'
import type { OnWorkspaceEvent } from '../events.ts'
import type { Audit } from '../lifecycle/audit.ts'
import type { SandboxShell } from '../shell/sandbox-shell.ts'
import { AWAIT_LISTENING } from './listen-script.ts'
import type { PortOptions, WorkspacePort } from './port.ts'
import { FIND_RELAY, RELAY_PROGRAMS, relayScript } from './relay-script.ts'
import { tunnel } from './tunnel.ts'

export interface PortsOptions {
  readonly sandbox: Sandbox
  readonly shell: SandboxShell
  readonly audit: Audit
  readonly onEvent?: OnWorkspaceEvent | undefined
}

export interface Ports {
  open(port: number, options?: PortOptions): Promise<WorkspacePort>
  close(): Promise<void>
}

const OPERATION = 'workspace.port'
const DEFAULT_TIMEOUT_MS = 30_000
/** Between two looks, in milliseconds; the script has the same. */
const LOOK_MS = 100

const isPort = (port: number, least: number): boolean => Number.isInteger(port) && port >= least && port <= 65_535

function checkPorts(port: number, { localPort = 0, timeoutMs = DEFAULT_TIMEOUT_MS }: PortOptions): void {
  const wrong = !isPort(port, 1) ? port : !isPort(localPort, 0) ? localPort : undefined
  if (wrong !== undefined)
    throw new RingfenceError('config.invalid', `The port "${wrong}" is none`, {
      operation: OPERATION,
      hint: 'Use 1 to 65535; a `localPort` of 0 takes a free one.',
      effect: 'none',
    })
  if (!Number.isFinite(timeoutMs) || timeoutMs <= 0)
    throw new RingfenceError('config.invalid', `The timeout of "${timeoutMs}" ms is none`, {
      operation: OPERATION,
      hint: 'Give a positive number of milliseconds.',
      effect: 'none',
    })
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new RingfenceError('config.invalid', `This machine cannot listen on "${host}:${port}": ${cause.code ?? cause.message}`, {
          operation: OPERATION,
          hint: cause.code === 'EADDRINUSE' ? 'It is taken: leave `localPort` out to get a free one.' : 'Check `host` and `localPort`.',
          effect: 'none',
          cause,
        }),
      ),
    )
    server.listen({ host, port }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

/**
 * Ports of the sandbox on this machine. Each connection is a process inside that joins its stdin and stdout to the port, so that
 * the network of the sandbox may stay closed, and every provider with a live stdin has them.
 */
export function openPorts({ sandbox, shell, audit, onEvent }: PortsOptions): Ports {
  const opened = new Set<WorkspacePort>()
  let relay: Promise<string> | undefined

  const findRelay = async (): Promise<string> => {
    const { wire, name } = sandbox.profile
    if (wire.stdin !== 'live' || wire.delivery !== 'live')
      throw new RingfenceError('feature.unsupported', `Ports of "${name}" cannot be reached: its processes have no live input and output`, {
        operation: OPERATION,
        hint: 'Use a provider with a live stdin.',
        effect: 'none',
      })
    const { stdout } = await shell.run(FIND_RELAY, [])
    const script = relayScript(Buffer.from(stdout).toString('utf8'))
    if (script !== undefined) return script
    throw new RingfenceError('feature.unsupported', 'The image of the sandbox has no program that can relay a connection', {
      operation: OPERATION,
      hint: `Install one of: ${RELAY_PROGRAMS.join(', ')}.`,
      effect: 'none',
    })
  }

  const awaitListening = async (port: number, { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: PortOptions): Promise<void> => {
    const hex = port.toString(16).toUpperCase().padStart(4, '0')
    const { code } = await shell.run(AWAIT_LISTENING, [hex, String(Math.ceil(timeoutMs / LOOK_MS))], { signal })
    // Where the kernel does not tell, the first connection will.
    if (code !== 1) return
    throw new RingfenceError('port.not-listening', `Nothing listens on the port "${port}" of the sandbox after ${timeoutMs} ms`, {
      operation: OPERATION,
      hint: 'Start the server first, as with `spawn`, and see what it prints; it must listen on localhost or on all addresses.',
      details: { port, timeoutMs },
      effect: 'none',
    })
  }

  const serve = async (script: string, port: number, host: string, localPort: number): Promise<WorkspacePort> => {
    const sockets = new Set<Socket>()
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      // Its user sees that it broke.
      socket.on('error', () => socket.destroy())
      void tunnel(sandbox, script, port, socket)
    })
    const taken = await listen(server, host, localPort)
    const one: WorkspacePort = {
      url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
      headers: {},
      async close() {
        if (!opened.delete(one)) return
        const closed = new Promise((resolve) => server.close(resolve))
        for (const socket of sockets) socket.destroy()
        await closed
      },
    }
    opened.add(one)
    return one
  }

  return {
    async open(port, options = {}) {
      const { host = '127.0.0.1', localPort = 0, signal } = options
      checkPorts(port, options)
      throwIfAborted(signal)
      relay ??= findRelay()
      // One that failed is looked for anew: a program may be installed meanwhile.
      const script = await relay.catch((error: unknown) => {
        relay = undefined
        throw error
      })
      await awaitListening(port, options)
      throwIfAborted(signal)
      await audit('port', 'allowed', { port, host })
      const one = await serve(script, port, host, localPort)
      onEvent?.({ type: 'port.opened', port, url: one.url })
      return one
    },
    async close() {
      await Promise.all([...opened].map((one) => one.close()))
    },
  }
}
