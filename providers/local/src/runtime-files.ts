import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Random, randomId, sha256 } from '@ringfence/core'
import { errnoOf } from './errors.ts'
import { SCRIPTS } from './scripts.ts'
import { filterOf } from './seccomp.ts'
import { RULES } from './syscalls.ts'

/** The user inside. Outside it is another. */
export const INSIDE_ID = 1000

const rules = RULES[process.arch]

/** What every sandbox reads: the scripts, the filter of system calls, and the few files of `/etc` that name users and hosts. */
const FILES: Readonly<Record<string, string | Buffer>> = {
  ...SCRIPTS,
  seccomp: rules ? filterOf(rules) : '',
  passwd: `sandbox:x:${INSIDE_ID}:${INSIDE_ID}:sandbox:/home/sandbox:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n`,
  group: `sandbox:x:${INSIDE_ID}:\nnogroup:x:65534:\n`,
  hosts: '127.0.0.1 localhost sandbox\n::1 localhost\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n',
}

const VERSION = sha256(JSON.stringify(Object.entries(FILES).map(([name, data]) => [name, data.toString('base64')]))).slice(0, 16)

/** Writes the shared files once per state directory and version, complete or not at all. Returns their directory. */
export function runtimeDirectory(root: string, random: Random): string {
  const path = join(root, `runtime-${VERSION}`)
  if (existsSync(path)) return path
  const made = join(root, randomId(random, '.runtime'))
  try {
    mkdirSync(made)
    for (const [name, data] of Object.entries(FILES)) {
      writeFileSync(join(made, name), data)
      chmodSync(join(made, name), 0o644)
    }
    chmodSync(made, 0o755)
    renameSync(made, path)
  } catch (cause) {
    rmSync(made, { recursive: true, force: true })
    const code = errnoOf(cause)
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw cause
  }
  return path
}
