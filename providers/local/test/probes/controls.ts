import type { Plan } from './replica.ts'

/** Something that holds an attempt, and how exactly that is switched off. */
export interface Control {
  readonly name: string
  off(plan: Plan): Plan
}

const words = (name: string, change: (words: readonly string[]) => readonly string[]): Control => ({
  name,
  off: (plan) => ({ ...plan, words: change(plan.words) }),
})

/** The words without each of these sequences, which have to be there. */
function without(all: readonly string[], ...sequences: readonly (readonly string[])[]): readonly string[] {
  return sequences.reduce((left, sequence) => {
    const at = left.findIndex((_, index) => sequence.every((word, offset) => left[index + offset] === word))
    if (at < 0) throw new Error(`"${sequence.join(' ')}" is no part of the command line`)
    return [...left.slice(0, at), ...left.slice(at + sequence.length)]
  }, all)
}

/** Before the root is made read-only nothing more can be mounted. */
function mounted(all: readonly string[], ...more: readonly string[]): readonly string[] {
  const end = all.findIndex((word, index) => word === '--remount-ro' && all[index + 1] === '/')
  return end < 0 ? [...all, ...more] : [...all.slice(0, end), ...more, ...all.slice(end)]
}

const NAMESPACES = ['ipc', 'pid', 'net', 'uts', 'cgroup'].map((name) => `--unshare-${name}`)
/** Without one of the namespaces that `--unshare-all` makes; that of users is named apart. */
const shared = (all: readonly string[], name: string): readonly string[] =>
  all.flatMap((word) => (word === '--unshare-all' ? NAMESPACES : [word])).filter((word) => word !== `--unshare-${name}`)

/** Only what is named of the host is there. */
export const view = (path: string): Control => words('mount namespace', (all) => mounted(all, '--ro-bind', path, path))
export const viewToWrite = (path: string): Control => words('mount namespace', (all) => mounted(all, '--bind', path, path))
/** What is there is read-only. */
export const readOnly = (path: string): Control =>
  words(`${path} is read-only`, (all) => {
    const at = all.findIndex((word, index) => word === '--ro-bind' && all[index + 2] === path)
    return at < 0 ? without(all, ['--remount-ro', path]) : [...all.slice(0, at), '--bind', ...all.slice(at + 1)]
  })
export const devices = words('devices of its own', (all) => {
  const size = all[all.indexOf('--size') + 1] ?? ''
  return mounted(
    without(all, ['--dev', '/dev'], ['--size', size, '--tmpfs', '/dev/shm'], ['--remount-ro', '/dev']),
    ...['--dev-bind', '/dev', '/dev'],
  )
})
export const procfs = words('settings of the kernel are read-only', (all) =>
  mounted(without(all, ['--proc', '/proc'], ['--ro-bind', '/proc/sys', '/proc/sys']), '--bind', '/proc', '/proc'),
)

export const pids = words('pid namespace', (all) => shared(all, 'pid'))
export const network = words('network namespace', (all) => shared(all, 'net'))
export const ipc = words('ipc namespace', (all) => shared(all, 'ipc'))
export const hostname = words('uts namespace', (all) => shared(without(all, ['--hostname', 'sandbox']), 'uts'))
export const cgroups = words('cgroup namespace', (all) => shared(all, 'cgroup'))
export const userNamespace = words('user namespace', (all) =>
  shared(without(all, ['--disable-userns'], ['--uid', '1000'], ['--gid', '1000']), 'user'),
)
export const nesting = words('no further user namespaces', (all) => without(all, ['--disable-userns']))
/** The other namespaces belong to a user namespace above its own, in which it has no right, whatever its capabilities. */
export const below = words('user namespace below the others', (all) =>
  without(all, ['--disable-userns'], ['--uid', '1000'], ['--gid', '1000']).concat('--uid', '0', '--gid', '0'),
)
export const capabilities = words('no capabilities', (all) => [...without(all, ['--cap-drop', 'ALL']), '--cap-add', 'ALL'])
export const session = words('a session of its own', (all) => without(all, ['--new-session']))

/** Its user of the host is not that of the harness. */
export const user: Control = { name: 'user of the host', off: (plan) => ({ ...plan, user: undefined }) }

const filter = (name: string, off: (plan: Plan) => Plan): Control => ({ name: `filter: ${name}`, off })
/** A call that the filter denies. */
export const denied = (name: string, ...numbers: readonly number[]): Control =>
  filter(name, (plan) => {
    if (!numbers.every((number) => plan.rules.denied.includes(number))) throw new Error(`the filter does not deny "${name}"`)
    return { ...plan, rules: { ...plan.rules, denied: plan.rules.denied.filter((number) => !numbers.includes(number)) } }
  })
export const family = (name: string, number: number): Control =>
  filter(name, (plan) => ({ ...plan, rules: { ...plan.rules, families: [...plan.rules.families, number] } }))
export const cloneFlags = filter('flags of clone', (plan) => ({ ...plan, rules: { ...plan.rules, namespaces: 0 } }))
export const clone3 = filter('clone3', (plan) => ({ ...plan, rules: { ...plan.rules, clone3: 0xffff } }))
export const x32 = filter('x32', (plan) => ({ ...plan, rules: { ...plan.rules, x32: null } }))
export const machine = filter('machine', (plan) => ({ ...plan, sameMachine: false }))
export const typing = filter('TIOCSTI', (plan) => ({
  ...plan,
  rules: { ...plan.rules, requests: plan.rules.requests.filter((request) => request !== 0x5412) },
}))

/** What the keeper gets, and so process 1 inside. */
export const builtEnvironment: Control = {
  name: 'built environment',
  off: (plan) => ({ ...plan, environment: { ...process.env, ...plan.environment } }),
}
export const clearedEnvironment = words('cleared environment', (all) => without(all, ['--clearenv']))
export const hiddenWords: Control = { name: 'words by a descriptor', off: (plan) => ({ ...plan, told: true }) }
export const covered: Control = {
  name: 'covered descriptors',
  off: (plan) => ({ ...plan, open: plan.open && { ...plan.open, covered: false } }),
}
