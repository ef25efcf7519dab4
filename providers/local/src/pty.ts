import type { Profile, PtyFacet, TerminalSize } from '@ringfence/core'
import { checkSpawn, checkTerminalSize } from '@ringfence/core/plugin'
import { errors } from './errors.ts'
import type { Link } from './link.ts'
import { startProcess } from './process.ts'

/** Processes on terminals that script(1) makes inside: no native module is needed. */
export function ptyFacet(link: Link, profile: Profile): PtyFacet {
  return {
    async open(argv, { size, user, signal }) {
      link.check('sandbox.pty')
      checkSpawn(argv, { user, stdin: true }, profile, errors)
      checkTerminalSize(size, errors)
      const { process, script, terminal } = await startProcess(link, { argv, stdin: true, size, signal })
      const { stdin } = process
      if (!stdin || terminal === undefined) throw errors.failed('sandbox.pty', 'The process does not tell its terminal')
      return {
        ...process,
        stdin,
        async detach() {
          await process.detach()
          // The terminal hangs up when the program that holds it ends.
          if (script !== undefined) link.send(`kill KILL ${script}`)
        },
        async resize(to) {
          link.check('pty.resize')
          checkTerminalSize(to, errors)
          await setSize(link, terminal, to)
        },
      }
    },
  }
}

/** Resolves when the size is set: what is written afterwards is read by a program that knows it. */
async function setSize(link: Link, terminal: string, { columns, rows }: TerminalSize): Promise<void> {
  const argv = ['stty', '-F', `/dev/pts/${terminal}`, 'columns', String(columns), 'rows', String(rows)]
  const { process } = await startProcess(link, { argv, stdin: false })
  const said: Uint8Array[] = []
  for await (const { bytes } of process.output) said.push(bytes)
  const { code } = await process.exit
  if (code !== 0) throw errors.failed('pty.resize', `The size could not be set: "${Buffer.concat(said).toString().trim().slice(0, 500)}"`)
}
