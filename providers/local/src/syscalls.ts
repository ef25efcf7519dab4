/** What the filter of one kind of machine refuses. */
export interface Rules {
  /** AUDIT_ARCH of the kernel. Calls of another machine end the process. */
  readonly audit: number
  /** Numbers from here on are those of the x32 ABI; `null` where there is none. */
  readonly x32: number | null
  /** Calls that are refused whatever they are asked. */
  readonly denied: readonly number[]
  readonly clone: number
  /** Bits in the flags of `clone` that are refused. */
  readonly namespaces: number
  /** It hides its flags behind a pointer: it is answered with ENOSYS, and the C library uses `clone`. */
  readonly clone3: number
  readonly socket: number
  /** The families of sockets that can be made. */
  readonly families: readonly number[]
  readonly ioctl: number
  /** Requests of `ioctl` that are refused. */
  readonly requests: readonly number[]
}

/** The same on every machine. */
const COMMON = {
  clone3: 435,
  /** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
  namespaces: 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000,
  /** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Others, such as AF_VSOCK, are not held by a network namespace. */
  families: [1, 2, 10, 16],
  /** TIOCSTI and TIOCLINUX type into a terminal. */
  requests: [0x5412, 0x541c],
}

/** Each refused call with its number on x86-64 and on arm64; "-" where it does not exist. */
const DENIED = `
acct 163 89, add_key 248 217, adjtimex 159 171, bpf 321 280, chroot 161 51, clock_adjtime 305 266,
clock_settime 227 112, delete_module 176 106, fanotify_init 300 262, finit_module 313 273, fsconfig 431 431,
fsmount 432 432, fsopen 430 430, fspick 433 433, init_module 175 105, io_uring_enter 426 426,
io_uring_register 427 427, io_uring_setup 425 425, ioperm 173 -, iopl 172 -, kcmp 312 272, kexec_file_load 320 294,
kexec_load 246 104, keyctl 250 219, lookup_dcookie 212 18, migrate_pages 256 238, modify_ldt 154 -, mount 165 40,
mount_setattr 442 442, move_mount 429 429, move_pages 279 239, name_to_handle_at 303 264, open_by_handle_at 304 265,
open_tree 428 428, open_tree_attr 467 467, perf_event_open 298 241, pidfd_getfd 438 438, pivot_root 155 41,
process_madvise 440 440, process_vm_readv 310 270, process_vm_writev 311 271, ptrace 101 117, quotactl 179 60,
quotactl_fd 443 443, reboot 169 142, request_key 249 218, setdomainname 171 162, sethostname 170 161, setns 308 268,
settimeofday 164 170, swapoff 168 225, swapon 167 224, sysfs 139 -, syslog 103 116, umount2 166 39, unshare 272 97,
uselib 134 -, userfaultfd 323 282, vhangup 153 58
`

function deniedOn(column: 1 | 2): number[] {
  const numbers = DENIED.trim()
    .split(/,\s*/)
    .map((row) => row.split(' ')[column] ?? '-')
  return numbers.filter((number) => number !== '-').map(Number)
}

/** By the names that `process.arch` has. */
export const RULES: Readonly<Record<string, Rules>> = {
  x64: { ...COMMON, audit: 0xc000003e, x32: 0x40000000, clone: 56, socket: 41, ioctl: 16, denied: deniedOn(1) },
  arm64: { ...COMMON, audit: 0xc00000b7, x32: null, clone: 220, socket: 198, ioctl: 29, denied: deniedOn(2) },
}
