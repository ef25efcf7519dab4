import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { KEEPER } from '../../src/scripts.ts'
import type { Off, Probe, Probes } from './probe.ts'

const setting = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8').trim() : '')

const lacks = (path: string) => (): string | undefined => (existsSync(path) ? undefined : `the host has no ${path}`)

const appArmor = (): string | undefined =>
  setting('/sys/module/apparmor/parameters/enabled') === 'Y' ? 'AppArmor refuses it as well' : undefined

/** An engine gives capabilities to the root of a container whose first process is root's alone. */
const rootFirst = { User: 'root', Entrypoint: ['sleep', '3000'] }
export const withCapability = (name: string): Off => ({ host: { CapAdd: [name] }, config: rootFirst })
const withoutSeccomp: Off = { host: { SecurityOpt: ['no-new-privileges', 'seccomp=unconfined'] } }
const writableProc: Off = { host: { ReadonlyPaths: [] } }

/** The numbers of system calls, on x86_64 and arm64. */
const calls =
  process.arch === 'arm64' ? { keyctl: 219, io_uring_setup: 425, userfaultfd: 282 } : { keyctl: 250, io_uring_setup: 425, userfaultfd: 323 }

/** Makes a system call; what comes after its number is Perl. */
const systemCall = (name: keyof typeof calls, args: string): string =>
  `perl -e '$p = "\\0" x 256; exit(syscall(${calls[name]}, ${args}) < 0)'`

/** Why a system call does not work on the host either. */
const refusedByHost = (script: string, why: string) => (): string | undefined => {
  try {
    execFileSync('sh', ['-c', script], { stdio: 'ignore' })
    return undefined
  } catch {
    // It ended with another code.
    return why
  }
}

const seccompProbe = (id: string, what: string, script: string, more: Partial<Probe> = {}): Probe => ({
  id: `seccomp.${id}`,
  what,
  script,
  off: withoutSeccomp,
  cannot: refusedByHost(script, 'the kernel refuses it on the host as well'),
  ...more,
})

/** What root inside tries. */
const asRoot = (id: string, what: string, script: string, off: Off, cannot?: () => string | undefined): Probe => ({
  id,
  what,
  script,
  as: 'root',
  off,
  ...(cannot ? { cannot } : {}),
})

/** Ways to more rights, and to what the kernel shares with all. */
export const kernel: Probes = () => [
  asRoot('capability.any', 'has a capability at all', `grep -q 'CapEff:.*[1-9a-f]' /proc/self/status`, {
    host: { CapDrop: [] },
    config: rootFirst,
  }),
  asRoot('capability.mknod', 'makes a device node', 'mknod /tmp/node c 1 3', withCapability('MKNOD')),
  asRoot('capability.raw-socket', 'opens a raw socket', `perl -e 'exit !socket(S, 2, 3, 1)'`, withCapability('NET_RAW')),
  asRoot('capability.chroot', 'changes its root', 'chroot / true', withCapability('SYS_CHROOT')),
  asRoot('capability.mount', 'mounts', 'mkdir -p /tmp/mount && mount -t tmpfs none /tmp/mount', withCapability('SYS_ADMIN'), appArmor),
  asRoot('capability.override', 'reads what belongs to another user', 'ls /ringfence/control', withCapability('DAC_OVERRIDE')),
  asRoot('capability.chown', 'gives a file away', ': >/tmp/mine && chown 1:1 /tmp/mine', withCapability('CHOWN')),
  asRoot(
    'capability.ptrace',
    'looks into a process of another user',
    `for p in /proc/[0-9]*; do [ "$(stat -c %u "$p")" = ${KEEPER} ] && readlink "$p/cwd" >/dev/null && exit 0; done 2>/dev/null; exit 1`,
    withCapability('SYS_PTRACE'),
  ),
  {
    id: 'no-new-privileges.setuid',
    what: 'becomes root by a setuid program of the image',
    script: '[ "$(setuid-id -u)" = 0 ]',
    off: { host: { SecurityOpt: [] } },
  },
  seccompProbe('user-namespace', 'makes a user namespace, in which it is root', 'unshare -U true'),
  seccompProbe('keyctl', 'reaches the keyring of the kernel', systemCall('keyctl', '0, -3, 1')),
  seccompProbe('io-uring', 'sets io_uring up, which goes around filters of system calls', systemCall('io_uring_setup', '1, $p'), {
    since: 25,
  }),
  seccompProbe('userfaultfd', 'handles page faults, which makes races in the kernel easy', systemCall('userfaultfd', '1')),
  asRoot(
    'proc.core-pattern',
    'says what the host runs when a program crashes',
    'v=$(cat /proc/sys/kernel/core_pattern) && echo "$v" >/proc/sys/kernel/core_pattern',
    writableProc,
  ),
  asRoot(
    'proc.sysctl',
    'changes a setting of the kernel',
    'v=$(cat /proc/sys/vm/overcommit_memory) && echo "$v" >/proc/sys/vm/overcommit_memory',
    writableProc,
  ),
  asRoot('proc.sysrq', 'opens the trigger that can reboot the host', ': >>/proc/sysrq-trigger', writableProc, lacks('/proc/sysrq-trigger')),
  asRoot(
    'proc.masked',
    'reads the timers of all processes of the host',
    '[ -n "$(head -c 10 /proc/timer_list)" ]',
    { host: { MaskedPaths: [] } },
    () => (existsSync('/proc/timer_list') ? undefined : 'the kernel has no /proc/timer_list'),
  ),
  asRoot(
    'sys.write',
    'opens a file of /sys for writing',
    'find /sys/kernel /sys/module -maxdepth 3 -type f -perm -200 2>/dev/null | while read -r f; do { : >>"$f"; } 2>/dev/null && echo "$f" && break; done | grep -q .',
    {
      host: { Binds: ['/sys:/sys'] },
    },
  ),
  asRoot(
    'cgroup.write',
    'makes a control group',
    'for d in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir "$d/ringfence-probe" && rmdir "$d/ringfence-probe" && exit 0; done 2>/dev/null; exit 1',
    {
      host: { Binds: ['/sys/fs/cgroup:/sys/fs/cgroup'] },
    },
  ),
]
