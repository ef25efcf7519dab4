import { existsSync } from 'node:fs'
import type { Probes } from './probe.ts'

/** Ways to the host, to its engine and to other containers. */
export const hostReach: Probes = ({ socketPath, canary, hostname }) => [
  {
    id: 'host.engine-socket',
    what: 'asks the engine over its socket',
    script: `perl -e 'socket(S,1,1,0); exit 1 unless connect(S,pack("Sa108",1,"/var/run/docker.sock")); syswrite S,"GET /_ping HTTP/1.0\\r\\n\\r\\n"; sysread S,$b,12; exit($b !~ / 200/)'`,
    as: 'root',
    off: { host: { Binds: [`${socketPath}:/var/run/docker.sock`] } },
  },
  {
    id: 'host.mounts',
    what: 'finds a folder of the host among its mounts',
    script: `cut -d ' ' -f 5 /proc/self/mountinfo | grep -vE '^/((proc|sys|dev|ringfence|workspace)(/.*)?)?$' | grep -vqE '^/(etc/(resolv.conf|hostname|hosts)|(usr/)?sbin/docker-init)$'`,
    off: { host: { Binds: ['/etc:/host:ro'] } },
  },
  {
    id: 'host.processes',
    what: 'sees the engine in the list of processes',
    script: 'grep -qsx dockerd /proc/[0-9]*/comm',
    off: { host: { PidMode: 'host' } },
  },
  {
    id: 'host.name',
    what: 'learns the name of the host',
    script: `[ "$(uname -n)" = '${hostname}' ]`,
    off: { host: { UTSMode: 'host' }, config: { Hostname: '' } },
  },
  {
    id: 'host.shared-memory',
    what: 'finds a file in the shared memory of the host',
    script: `[ -e '/dev/shm/${canary}' ]`,
    off: { host: { IpcMode: 'host' } },
  },
  {
    id: 'host.devices',
    what: 'finds a device that is not among the harmless ones',
    script: `for f in /dev/*; do case $f in /dev/null|/dev/zero|/dev/full|/dev/random|/dev/urandom|/dev/tty|/dev/console|/dev/ptmx) ;; *) if [ ! -h "$f" ] && { [ -b "$f" ] || [ -c "$f" ]; }; then exit 0; fi ;; esac; done; exit 1`,
    off: { host: { Devices: [{ PathOnHost: '/dev/kmsg', PathInContainer: '/dev/kmsg', CgroupPermissions: 'r' }] } },
    cannot: () => (existsSync('/dev/kmsg') ? undefined : 'the host has no /dev/kmsg'),
  },
  {
    id: 'others.environment',
    what: 'reads the environment of a process of another container',
    script: `grep -qs '${canary}' /proc/[0-9]*/environ`,
    off: { host: { PidMode: 'host' } },
  },
]
