import { readFileSync, readlinkSync } from 'node:fs'

const NAMESPACES = ['user', 'pid', 'ipc', 'uts', 'mnt', 'net']

/**
 * Reads from the kernel whether the processes of a sandbox are kept apart as they should be.
 *
 * @param first the host's number of the first of them.
 * @returns what is missing, in words; empty when all is as asked.
 */
export function missingIsolation(first: number | undefined, egress: 'none' | 'open', hostUser: number): string[] {
  const [inside = first] = readFileSync(`/proc/${first}/task/${first}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  const missing = NAMESPACES.filter(
    (name) => (name !== 'net' || egress === 'none') && readlinkSync(`/proc/${inside}/ns/${name}`) === readlinkSync(`/proc/self/ns/${name}`),
  ).map((name) => `a ${name} namespace`)
  const status = new Map(
    readFileSync(`/proc/${inside}/status`, 'utf8')
      .split('\n')
      .map((line) => line.split(/:\s*/))
      .map(([name = '', value = '']) => [name, value.trim()]),
  )
  if (status.get('Seccomp') !== '2') missing.push('the filter of system calls')
  if (status.get('NoNewPrivs') !== '1') missing.push('no-new-privileges')
  for (const name of ['CapEff', 'CapPrm', 'CapInh', 'CapBnd', 'CapAmb']) {
    if (!/^0+$/.test(status.get(name) ?? '')) missing.push(`an empty ${name}`)
  }
  if (!(status.get('Uid') ?? '').split('\t').every((uid) => Number(uid) === hostUser)) missing.push(`the user ${hostUser}`)
  return missing
}
