import { homedir } from 'node:os'
import type { Control } from './controls.ts'
import * as by from './controls.ts'
import { ABSTRACT, CANARY, type Host } from './host.ts'

/** What there is to probe: the host, the sandbox that tries, and another one. */
export interface Scene {
  readonly host: Host
  /** A process of the host that has the user of the sandbox. */
  readonly decoy: number
  /** The directory of the other sandbox on the host. */
  readonly other: string
}

/** An attempt as a script. It prints the canary when it succeeds, and "refused: <errno>" when the kernel says no. */
export interface Probe {
  readonly id: string
  readonly tries: string
  /** What holds it. Each of them alone does; without all of them it succeeds. */
  readonly controls: readonly Control[]
  readonly script: string
  /** The kernel or the machine may not have what is tried. Then the same is tried without any sandbox, where it must do no harm. */
  readonly mayLack?: true
}

const say = `echo "${CANARY}"`
const python = (code: string): string => `python3 -c '${code}' 2>/dev/null`
const connect = (family: string, address: string): string =>
  python(`import socket; s = socket.socket(socket.${family}); s.settimeout(10); s.connect(${address}); print(s.recv(99).decode())`)

/** Makes calls of the kernel: the first one that it refuses is told and is the end, after the last one stands the canary. */
const call = (code: string): string =>
  python(`import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def ask(*words):
  result = libc.syscall(*[ctypes.c_long(word) if isinstance(word, int) else word for word in words])
  if result >= 0: return result
  print("refused: " + errno.errorcode.get(ctypes.get_errno(), "?"))
  sys.exit()
${code}
print("${CANARY}")`)
const buffer = (size: number): string => `ctypes.create_string_buffer(${size})`
const vector = (name: string): string => `(ctypes.c_void_p * 2)(ctypes.addressof(${name}), 8)`

/** A file of the host that everybody there can read, by many ways. */
function files({ host }: Scene): Probe[] {
  const { directory } = host
  const canary = `${directory}/canary`
  const shown = [by.view(directory)]
  const writable = [by.viewToWrite(directory)]
  const up = '/workspace/../../../../../../..'
  return [
    { id: 'file', tries: 'read a file of the host', controls: shown, script: `cat ${canary}` },
    { id: 'dots', tries: 'read it by ".." out of the workspace', controls: shown, script: `cat ${up}${canary}` },
    { id: 'link', tries: 'read it by a link in the workspace', controls: shown, script: `ln -sfn ${canary} link; cat link` },
    { id: 'link-up', tries: 'read it by a relative link', controls: shown, script: `ln -sfn ../../../..${canary} up; cat up` },
    {
      id: 'link-parent',
      tries: 'read it by a link to a directory above it',
      controls: shown,
      script: `ln -sfn ${directory} above; cat above/canary`,
    },
    {
      id: 'moved-parent',
      tries: 'read it by "..", from a directory whose parent was moved',
      controls: shown,
      script: `mkdir -p from/in to; cd from/in; mv ../../from ../../to; cat ../../../../../..${canary}`,
    },
    {
      id: 'archive-dots',
      tries: 'unpack an archive over ".." to the host',
      controls: writable,
      script: `echo x >/tmp/x; tar -cPf /tmp/a.tar --transform="s,.*,../../../../..${directory}/writable/x," /tmp/x; cd /workspace; tar -xPf /tmp/a.tar`,
    },
    {
      id: 'archive-link',
      tries: 'unpack an archive through a link in it to the host',
      controls: writable,
      script: `mkdir -p /tmp/n/l; cd /tmp/n; rm -rf l; ln -s ${directory}/writable l; tar -cf /tmp/l.tar l; rm l; mkdir l; : >l/x; tar -rf /tmp/l.tar l/x; cd /workspace; tar -xPf /tmp/l.tar --keep-directory-symlink`,
    },
    { id: 'write', tries: 'write to the host', controls: writable, script: `: >${directory}/writable/x` },
    {
      id: 'root-file',
      tries: 'read a file that only root can',
      controls: [by.view(directory), by.user],
      script: `cat ${directory}/private`,
    },
    {
      id: 'shadow',
      tries: 'read /etc/shadow',
      controls: [by.view('/etc/shadow'), by.user],
      script: `[ -n "$(cat /etc/shadow)" ] && ${say}`,
    },
    { id: 'home', tries: "see the host's home", controls: [by.view(homedir())], script: `[ -e ${homedir()} ] && ${say}` },
    { id: 'hardware', tries: 'see the hardware', controls: [by.view('/sys')], script: `[ -d /sys/class ] && ${say}` },
  ]
}

/** The system, what the sandboxes share, and each other. */
function system({ other }: Scene): Probe[] {
  return [
    { id: 'write-root', tries: 'write into the root directory', controls: [by.readOnly('/')], script: `: >/x && ${say}` },
    { id: 'write-dev', tries: 'write into /dev', controls: [by.readOnly('/dev')], script: `: >/dev/x && ${say}` },
    { id: 'write-system', tries: 'write into the system', controls: [by.readOnly('/usr'), by.user], script: `[ -w /usr ] && ${say}` },
    {
      id: 'write-scripts',
      tries: 'change the scripts that all sandboxes run',
      controls: [by.readOnly('/ringfence/runtime'), by.user],
      script: `[ -w /ringfence/runtime/loop ] && ${say}`,
    },
    {
      id: 'write-channels',
      tries: 'put a link where the host opens its channels',
      controls: [by.readOnly('/ringfence/requests'), by.user],
      script: `ln -s /etc/passwd /ringfence/requests/x && rm /ringfence/requests/x && ${say}`,
    },
    {
      id: 'settings',
      tries: 'change a setting of the kernel',
      controls: [by.procfs, by.user],
      script: `[ -w /proc/sys/kernel/core_pattern ] && ${say}`,
    },
    { id: 'devices', tries: 'see the disks', controls: [by.devices], script: `ls -l /dev | grep -q ^b && ${say}` },
    {
      id: 'disk',
      tries: 'open a disk',
      controls: [by.devices, by.user],
      mayLack: true,
      script: python(`import errno, os, stat
said = "no disk"
for name in os.listdir("/dev"):
  if not stat.S_ISBLK(os.lstat("/dev/" + name).st_mode): continue
  try: os.close(os.open("/dev/" + name, os.O_RDONLY)); said = ""; break
  except OSError as error: said = errno.errorcode[error.errno]
print("refused: " + said if said else "${CANARY}")`),
    },
    {
      id: 'other-sandbox',
      tries: 'read the files of another sandbox',
      controls: [by.view(other), by.userNamespace, by.user, by.capabilities],
      script: `cat ${other}/workspace/canary`,
    },
  ]
}

/** Processes of the host, above all the harness. */
function processes({ host, decoy }: Scene): Probe[] {
  const harness = `/proc/${process.pid}`
  const all = [by.pids, by.userNamespace, by.user, by.capabilities]
  return [
    { id: 'processes', tries: 'see the processes of the host', controls: [by.pids], script: `[ -d ${harness} ] && ${say}` },
    { id: 'arguments', tries: "read the harness's arguments", controls: [by.pids], script: `[ -n "$(cat ${harness}/cmdline)" ] && ${say}` },
    {
      id: 'environment',
      tries: "read the harness's environment",
      controls: all,
      script: `[ -n "$(tr "\\0" x <${harness}/environ)" ] && ${say}`,
    },
    { id: 'descriptors', tries: "read through the harness's descriptors", controls: all, script: `cat ${harness}/fd/${host.fd}` },
    {
      id: 'proc-root',
      tries: 'read a file of the host by /proc and the harness',
      controls: all,
      script: `cat ${harness}/root${host.directory}/canary`,
    },
    {
      id: 'other-environment',
      tries: 'read the environment of another process',
      controls: [by.pids, by.userNamespace],
      script: `tr "\\0" "\\n" </proc/${decoy}/environ`,
    },
    {
      id: 'other-root',
      tries: 'read a file of the host by /proc and another process',
      controls: [by.pids, by.userNamespace],
      script: `cat /proc/${decoy}/root${host.directory}/canary`,
    },
    { id: 'signal', tries: 'signal the harness', controls: [by.pids, by.user], script: `kill -0 ${process.pid} && ${say}` },
    {
      id: 'inherited-environment',
      tries: "find a variable of the harness in one's own environment",
      controls: [by.clearedEnvironment, by.builtEnvironment],
      script: 'echo "$RINGFENCE_PROBE"',
    },
    {
      id: 'first-environment',
      tries: 'find it in that of process 1',
      controls: [by.builtEnvironment],
      script: 'tr "\\0" "\\n" </proc/1/environ | grep RINGFENCE_PROBE',
    },
    {
      id: 'first-arguments',
      tries: 'find paths of the host in the arguments of process 1',
      controls: [by.hiddenWords],
      script: `tr "\\0" "\\n" </proc/1/cmdline | grep -q "ringfence-local-tes[t]" && ${say}`,
    },
  ]
}

/** The network, and what else is found by a name of the machine. */
function names({ host }: Scene): Probe[] {
  return [
    {
      id: 'loopback',
      tries: 'connect to the loopback of the host',
      controls: [by.network],
      script: connect('AF_INET', `("127.0.0.1", ${host.port})`),
    },
    {
      id: 'abstract-socket',
      tries: 'connect to an abstract socket',
      controls: [by.network],
      script: connect('AF_UNIX', `"\\0${ABSTRACT}".ljust(108, "\\0")`),
    },
    {
      id: 'path-socket',
      tries: 'connect to a socket at a path',
      controls: [by.view(host.directory)],
      script: connect('AF_UNIX', `"${host.directory}/socket"`),
    },
    {
      id: 'interfaces',
      tries: 'see the interfaces of the host',
      controls: [by.network],
      script: `[ "$(grep -c : /proc/net/dev)" -gt 1 ] && ${say}`,
    },
    { id: 'hostname', tries: 'see the name of the host', controls: [by.hostname], script: `[ "$(uname -n)" != sandbox ] && ${say}` },
    {
      id: 'control-group',
      tries: 'see its place among the control groups',
      controls: [by.cgroups],
      script: `grep -q ringfence- /proc/self/cgroup && ${say}`,
    },
    {
      id: 'shared-memory',
      tries: 'attach shared memory of the host',
      controls: [by.ipc],
      script: python(
        `import ctypes; l = ctypes.CDLL(None); l.shmat.restype = ctypes.c_void_p; print(ctypes.string_at(l.shmat(l.shmget(${host.key}, 0, 0), 0, 4096)).decode())`,
      ),
    },
  ]
}

/** Privileges, and the calls that lead to some. */
function privileges(): Probe[] {
  const flags = (bits: string): string => `pid = ask(56, ${bits} | 17, 0, 0, 0, 0)\nif pid == 0: os._exit(0)\nos.waitpid(pid, 0)`
  return [
    {
      id: 'capabilities',
      tries: 'have capabilities',
      controls: [by.capabilities],
      script: `grep -q "CapEff:.*[1-9a-f]" /proc/self/status && ${say}`,
    },
    {
      id: 'user-namespace',
      tries: 'make a user namespace',
      controls: [by.nesting, by.denied('unshare', 272)],
      script: call('ask(272, 0x10000000)'),
    },
    { id: 'clone', tries: 'make one by clone', controls: [by.nesting, by.cloneFlags], script: call(flags('0x10000000')) },
    {
      id: 'clone3',
      tries: 'make one by clone3',
      controls: [by.nesting, by.clone3],
      script: call('pid = ask(435, (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, 17), 88)\nif pid == 0: os._exit(0)\nos.waitpid(pid, 0)'),
    },
    {
      id: 'mount-namespace',
      tries: 'make a mount namespace',
      controls: [by.capabilities, by.denied('unshare', 272)],
      script: call('ask(272, 0x20000)'),
    },
    {
      id: 'mount',
      tries: 'mount a file system',
      controls: [by.capabilities, by.below, by.denied('mount', 165)],
      script: call('ask(165, b"none", b"/tmp", b"tmpfs", 0, 0)'),
    },
    {
      id: 'enter-namespace',
      tries: 'enter a namespace',
      controls: [by.capabilities, by.below, by.denied('setns', 308)],
      script: call('ask(308, os.open("/proc/self/ns/uts", 0), 0)'),
    },
    {
      id: 'open-by-handle',
      tries: 'open a file by its handle',
      controls: [by.capabilities, by.userNamespace, by.user, by.denied('name_to_handle_at, open_by_handle_at', 303, 304)],
      script: call(
        `handle = ${buffer(136)}\nhandle[0] = b"\\x80"\nask(303, -100, b"/workspace", handle, ctypes.byref(ctypes.c_int()), 0)\nask(304, os.open("/workspace", 0), handle, 0)`,
      ),
    },
    {
      id: 'packets',
      tries: 'see packets of the network',
      controls: [by.capabilities, by.below, by.family('AF_PACKET', 17)],
      script: call('ask(41, 17, 3, 0)'),
    },
    { id: 'trace', tries: 'trace a process', controls: [by.denied('ptrace', 101)], mayLack: true, script: call('ask(101, 0, 0, 0, 0)') },
    {
      id: 'memory',
      tries: 'write into the memory of a process',
      controls: [by.denied('process_vm_writev', 311)],
      mayLack: true,
      script: call(`a = ${buffer(8)}\nb = ${buffer(8)}\nask(311, os.getpid(), ${vector('a')}, 1, ${vector('b')}, 1, 0)`),
    },
    {
      id: 'take-descriptor',
      tries: 'take a descriptor of a process',
      controls: [by.denied('pidfd_getfd', 438)],
      mayLack: true,
      script: call('ask(438, os.pidfd_open(os.getpid()), 1, 0)'),
    },
    {
      id: 'keys',
      tries: 'use keys of the kernel',
      controls: [by.denied('keyctl', 250)],
      mayLack: true,
      script: call('ask(250, 0, -3, 1, 0, 0)'),
    },
    {
      id: 'bpf',
      tries: 'reach the loader of programs of the kernel',
      controls: [by.denied('bpf', 321)],
      // No command of it: what the kernel then says is another no than that of the filter.
      mayLack: true,
      script: call('if libc.syscall(321, 99, 0, 0) < 0 and ctypes.get_errno() != errno.EINVAL: ask(321, 99, 0, 0)'),
    },
    {
      id: 'counters',
      tries: 'watch performance counters',
      controls: [by.denied('perf_event_open', 298)],
      mayLack: true,
      script: call(`event = (ctypes.c_uint64 * 16)(1 | 128 << 32, 0, 0, 0, 0, 0x60)\nask(298, event, 0, -1, -1, 0)`),
    },
    {
      id: 'page-faults',
      tries: 'handle page faults',
      controls: [by.denied('userfaultfd', 323)],
      mayLack: true,
      script: call('ask(323, 1)'),
    },
    {
      id: 'io-uring',
      tries: 'use io_uring',
      controls: [by.denied('io_uring_setup', 425)],
      mayLack: true,
      script: call(`ask(425, 1, ${buffer(256)})`),
    },
    {
      id: 'vsock',
      tries: 'open a socket to the machine below (AF_VSOCK)',
      controls: [by.family('AF_VSOCK', 40)],
      mayLack: true,
      script: call('ask(41, 40, 1, 0)'),
    },
    {
      id: 'crypto',
      tries: 'open a socket of the crypto interface (AF_ALG)',
      controls: [by.family('AF_ALG', 38)],
      mayLack: true,
      script: call('ask(41, 38, 5, 0)'),
    },
    { id: 'x32', tries: 'call by the numbers of x32', controls: [by.x32], mayLack: true, script: call('ask(0x40000000 + 39)') },
    {
      id: 'other-machine',
      tries: 'call by the numbers of 32 bits',
      controls: [by.machine],
      // mov eax, 20; int 0x80; ret: which process it is.
      mayLack: true,
      script: call(`import mmap
pid = os.fork()
if pid == 0:
  code = mmap.mmap(-1, 4096, prot=7)
  code.write(b"\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3")
  os._exit(0 if ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))() == os.getpid() else 1)
status = os.waitpid(pid, 0)[1]
if status != 0: print("refused: " + ("signal %d" % os.WTERMSIG(status) if os.WIFSIGNALED(status) else "ENOSYS")); sys.exit()`),
    },
  ]
}

export const probesOf = (scene: Scene): Probe[] => [files, system, processes, names, privileges].flatMap((part) => part(scene))
