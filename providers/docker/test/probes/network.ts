import type { Probes } from './probe.ts'

const bridge = { host: { NetworkMode: 'bridge' }, config: { NetworkDisabled: false } }
const connects = (address: string): string => `timeout 20 bash -c 'exec 3<>/dev/tcp/${address}/80' 2>/dev/null`

/** Ways into a network, of a sandbox that has none. */
export const network: Probes = ({ gateway, abstractSocket }) => [
  { id: 'network.interfaces', what: 'has an interface beside lo', script: '[ "$(ls /sys/class/net)" != lo ]', off: bridge },
  { id: 'network.gateway', what: 'reaches the host at the gateway of the bridge', script: connects(gateway), off: bridge },
  { id: 'network.metadata', what: 'reaches the metadata address 169.254.169.254', script: connects('169.254.169.254'), off: bridge },
  {
    id: 'network.dns',
    what: 'gets an answer of a name server',
    script: `timeout 20 bash -c 'exec 3<>/dev/udp/${gateway}/53; printf question >&3; read -r -t 10 -n 8 answer <&3; [ "$answer" ]' 2>/dev/null`,
    off: bridge,
  },
  {
    id: 'network.abstract-socket',
    what: 'reaches an abstract Unix socket of the host',
    script: `perl -e 'socket(S,1,1,0); exit !connect(S,pack("S",1) . "\\0${abstractSocket}")'`,
    off: { host: { NetworkMode: 'host' }, config: { Hostname: '', NetworkDisabled: false } },
  },
]
