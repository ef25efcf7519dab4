import { COMMON } from './library-common.ts'
import { RUN } from './library-run.ts'
import { SERVE } from './library-serve.ts'

/**
 * The functions of the one POSIX sh script by which commands are started, read and killed. A resident shell reads them
 * once; on wires without stdin each spawn brings them along. Everything that runs on the way of a command is a builtin:
 * an external program costs as much as the command itself.
 *
 * Files of a command `n`: `n.c` the receipt (claim, pids, status, a line each), `n.o` and `n.e` its output, `n.k` who
 * killed it, `n.i` and `n.h` the FIFOs of a live stdin, `n.s` its stdin, `n.x` a command too long for an argument.
 * Descriptors: 3 events, 4 payload, 5 the lock of the payload (a pipe that holds one newline), 6 the receipt.
 *
 * `state` says which epoch drives, and `at.EPOCH.GENERATION.TOKEN` is there as long as it does: the fence is one look at that file,
 * since `read` takes a line byte by byte. Who raises the epoch writes `state`, removes the marks of others, makes its own, and looks
 * whether `state` still says so, before it answers: of two at once the one that is overtaken keeps no mark.
 *
 * A shell that has a trap loses a signal that reaches its child between fork and reset: a timer is therefore forked
 * before the traps are set, and what has no trap of its own is killed with 9.
 *
 * The functions are text. `\\${` in their sources stands for `${`, which a template would take.
 */
export const LIBRARY: string = (COMMON + RUN + SERVE).replaceAll('\\${', '${').trim()
