import { readFileSync } from 'node:fs'
import type { Probes } from './probe.ts'

const MIB = 1024 ** 2
const noCore = [{ Name: 'core', Soft: 0, Hard: 0 }]

/** What would take more than is allowed, or leave something where it should not. */
export const resources: Probes = () => [
  {
    id: 'limit.processes',
    what: 'starts 200 processes where 60 are allowed',
    script: `perl -e 'for (1..200) { $p = fork; if (!defined $p) { kill 9, @p; exit 1 } if (!$p) { sleep 60; exit } push @p, $p } kill 9, @p'`,
    limits: { processes: 60 },
    off: { host: { PidsLimit: 0 } },
  },
  {
    id: 'limit.memory',
    what: 'takes 256 MiB of memory where 64 are allowed',
    script: `perl -e '$x = "a" x (256 << 20)'`,
    limits: { memoryBytes: 64 * MIB },
    off: { host: { Memory: 0, MemorySwap: 0 } },
  },
  {
    id: 'limit.file',
    what: 'writes a file of 128 KiB where 64 are allowed',
    script: 'head -c 131072 /dev/zero >/tmp/large 2>/dev/null; [ "$(stat -c %s /tmp/large)" = 131072 ]',
    limits: { fileBytes: 65_536 },
    off: { host: { Ulimits: noCore } },
  },
  {
    id: 'limit.processors',
    what: 'has no quota of the processors',
    script: 'case $(cat /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null) in max*|-1) exit 0 ;; esac; exit 1',
    limits: { cpus: 0.5 },
    off: { host: { CpuQuota: 0 } },
  },
  {
    id: 'limit.processor-time',
    what: 'computes for three seconds where one is allowed',
    script: `perl -e '1 while (times)[0] < 3'`,
    limits: { cpuSeconds: 1 },
    off: { host: { Ulimits: noCore } },
  },
  {
    id: 'limit.core-dumps',
    what: 'may leave core dumps',
    script: '[ "$(ulimit -Hc)" != 0 ]',
    off: { host: { Ulimits: [] } },
    cannot: () =>
      /Max core file size +\S+ +0 /.test(readFileSync('/proc/self/limits', 'utf8')) ? 'the host allows none either' : undefined,
  },
  {
    id: 'root.read-only',
    what: 'changes the image below a read-only root',
    script: ': >/etc/changed',
    as: 'root',
    readOnlyRoot: true,
    off: { host: { ReadonlyRootfs: false } },
  },
]
