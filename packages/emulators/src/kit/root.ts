import { execFile } from 'node:child_process'
import { chmodSync, chownSync, cpSync, existsSync, lstatSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** The users of a root, by name. Each has a group of the same number. */
export const USERS: Readonly<Record<string, { readonly id: number; readonly home: string }>> = {
  root: { id: 0, home: '/root' },
  user: { id: 1000, home: '/home/user' },
  nobody: { id: 65_534, home: '/nonexistent' },
}

const run = promisify(execFile)

/** Makes the files of a root: what is not in `/usr` of this machine, which is shown inside read-only. */
export function makeRoot(directory: string): void {
  for (const name of ['dev', 'proc', 'usr', 'etc', 'home', 'home/user', 'opt', 'root', 'run', 'srv', 'tmp', 'var', 'var/tmp'])
    mkdirSync(join(directory, name), { recursive: true, mode: 0o755 })
  for (const name of ['tmp', 'var/tmp']) chmodSync(join(directory, name), 0o1777)
  chownSync(join(directory, 'home/user'), 1000, 1000)
  for (const name of ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32']) {
    const stat = lstatSync(`/${name}`, { throwIfNoEntry: false })
    if (stat?.isSymbolicLink()) symlinkSync(readlinkSync(`/${name}`), join(directory, name))
  }
  const users = Object.entries(USERS)
  writeFileSync(join(directory, 'etc/passwd'), users.map(([name, { id, home }]) => `${name}:x:${id}:${id}::${home}:/bin/bash\n`).join(''))
  writeFileSync(join(directory, 'etc/group'), users.map(([name, { id }]) => `${name}:x:${id}:\n`).join(''))
  writeFileSync(join(directory, 'etc/hosts'), '127.0.0.1\tlocalhost\n::1\tlocalhost\n')
  if (existsSync('/etc/ld.so.cache')) cpSync('/etc/ld.so.cache', join(directory, 'etc/ld.so.cache'))
}

/** Copies a root with owners, modes, times and links. The target must not be there. */
export async function copyRoot(from: string, to: string): Promise<void> {
  await run('cp', ['-a', '--reflink=auto', from, to])
}
