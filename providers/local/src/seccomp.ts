import type { Rules } from './syscalls.ts'

/** One instruction of the kernel's packet filter: code, jump if true, jump if false, constant. */
type Instruction = readonly [code: number, jt: number, jf: number, k: number]

const LOAD = 0x20
const JUMP_EQUAL = 0x15
const JUMP_AT_LEAST = 0x35
const JUMP_ANY_BIT = 0x45
const RETURN = 0x06

/** Offsets in `struct seccomp_data`. Both machines are little-endian, so that the low half of an argument comes first. */
const NUMBER = 0
const MACHINE = 4
const argument = (index: number): number => 16 + index * 8

const ALLOW = 0x7fff0000
const KILL = 0x80000000
const refuse = (errno: number): number => 0x00050000 | errno
const EPERM = 1
const ENOSYS = 38
const EAFNOSUPPORT = 97

/** A filter, as `bwrap --seccomp` reads it: what is not refused is allowed. */
export function filterOf({ audit, x32, denied, clone, namespaces, clone3, socket, families, ioctl, requests }: Rules): Buffer {
  const returns = (value: number): Instruction => [RETURN, 0, 0, value]
  /** Runs `body` when the number is `call`. Each body ends in a return. */
  const when = (call: number, body: Instruction[]): Instruction[] => [[JUMP_EQUAL, 0, body.length, call], ...body]
  return assemble([
    [LOAD, 0, 0, MACHINE],
    [JUMP_EQUAL, 1, 0, audit],
    returns(KILL),
    [LOAD, 0, 0, NUMBER],
    ...(x32 === null ? [] : ([[JUMP_AT_LEAST, 0, 1, x32], returns(refuse(EPERM))] satisfies Instruction[])),
    ...when(clone3, [returns(refuse(ENOSYS))]),
    ...when(clone, [[LOAD, 0, 0, argument(0)], [JUMP_ANY_BIT, 0, 1, namespaces], returns(refuse(EPERM)), returns(ALLOW)]),
    ...when(ioctl, [[LOAD, 0, 0, argument(1)], ...requests.flatMap((request) => when(request, [returns(refuse(EPERM))])), returns(ALLOW)]),
    ...when(socket, [
      [LOAD, 0, 0, argument(0)],
      ...families.flatMap((family) => when(family, [returns(ALLOW)])),
      returns(refuse(EAFNOSUPPORT)),
    ]),
    ...denied.flatMap((call) => when(call, [returns(refuse(EPERM))])),
    returns(ALLOW),
  ])
}

function assemble(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8)
  program.forEach(([code, jt, jf, k], index) => {
    bytes.writeUInt16LE(code, index * 8)
    bytes.writeUInt8(jt, index * 8 + 2)
    bytes.writeUInt8(jf, index * 8 + 3)
    bytes.writeUInt32LE(k >>> 0, index * 8 + 4)
  })
  return bytes
}
