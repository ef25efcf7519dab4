import { type CreateRequest, digestOf, type Isolation, LIMIT_NAMES, type LimitName, type SandboxRef, sha256 } from '@ringfence/core'
import type { ContainerInspectInfo } from 'dockerode'
import type { Settings } from './options.ts'
import { isolationOf } from './profile.ts'
import { INIT, KEEPER, secondsOf, VOLUME, WORKSPACE } from './scripts.ts'

/** What a container is made of. */
export interface Image {
  readonly id: string
  /** For errors. */
  readonly name: string
  /** Who commands run as. */
  readonly user: string
}

/** The labels by which a container is known as ours. */
export const LABELS = {
  installation: 'dev.ringfence.installation',
  run: 'dev.ringfence.run',
  intent: 'dev.ringfence.intent',
  /** A digest of what was asked for. */
  spec: 'dev.ringfence.spec',
  /** Which call of `create` made it. */
  creation: 'dev.ringfence.creation',
  /** Who commands run as. */
  user: 'dev.ringfence.user',
} as const

/** The labels by which an image is known as a snapshot of ours. What is empty does not count. */
export const SNAPSHOT_LABELS = {
  installation: 'dev.ringfence.snapshot.installation',
  run: 'dev.ringfence.snapshot.run',
  user: 'dev.ringfence.snapshot.user',
} as const

const DEFAULTS = { memoryBytes: 4 * 1024 ** 3, processes: 1024, cpus: 2 }
/** The kernel of gVisor is a program of the host, which has several threads for each process inside, and ends when it gets no more. */
const GVISOR_THREADS = 16_384
const CPU_PERIOD_MICROS = 100_000
const LEAST_QUOTA_MICROS = 1000

/** The name of the container of an intent: the same for every process that asks. */
export function nameOf(ref: SandboxRef): string {
  return `ringfence-${sha256([ref.installation, ref.runId, ref.intentId].join('\0')).slice(0, 32)}`
}

/**
 * A digest of what makes two sandboxes of one intent the same. An image is taken by its name, which may be pulled anew, and by the options
 * that it is built with.
 */
export function specDigest({ image, build, user, readOnlyRoot, runtime }: Settings, { egress, limits, from }: CreateRequest): string {
  return digestOf({
    image: from ? { snapshot: from.id } : build ? { build } : image,
    user: user ?? null,
    readOnlyRoot,
    runtime: runtime ?? null,
    egress,
    limits: Object.fromEntries(LIMIT_NAMES.map((name) => [name, limits[name] ?? null])),
  })
}

/** Whether the network is closed by leaving it out: the engine then has nothing to set up, and starts in half of the time. */
export function isUnplugged({ readOnlyRoot }: Settings, { egress }: CreateRequest): boolean {
  // It also leaves out the file of host names, which cannot be put below a read-only root.
  return egress === 'none' && !readOnlyRoot
}

export interface SpecRequest {
  readonly settings: Settings
  readonly request: CreateRequest
  readonly image: Image
  readonly creation: string
}

/** What the engine is asked to make. */
export function containerSpec({ settings, request, image, creation }: SpecRequest): object {
  const { ref, limits } = request
  return {
    Image: image.id,
    Entrypoint: ['sh', '-c', INIT, 'ringfence-init', String(secondsOf(request.lifetimeMs))],
    Cmd: [],
    User: `${KEEPER}:${KEEPER}`,
    Hostname: 'sandbox',
    WorkingDir: '/',
    Healthcheck: { Test: ['NONE'] },
    AttachStdout: true,
    AttachStderr: true,
    NetworkDisabled: isUnplugged(settings, request),
    Labels: {
      [LABELS.installation]: ref.installation,
      [LABELS.run]: ref.runId,
      [LABELS.intent]: ref.intentId,
      [LABELS.spec]: specDigest(settings, request),
      [LABELS.creation]: creation,
      [LABELS.user]: image.user,
      // Those of an image that is a snapshot would be handed down, and make snapshots of what others make of this container.
      ...Object.fromEntries(Object.values(SNAPSHOT_LABELS).map((label) => [label, ''])),
    },
    HostConfig: {
      Init: true,
      AutoRemove: true,
      NetworkMode: request.egress === 'open' ? 'bridge' : 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      LogConfig: { Type: 'none', Config: {} },
      ReadonlyRootfs: settings.readOnlyRoot,
      Mounts: [volume(VOLUME), ...(settings.readOnlyRoot ? [volume(WORKSPACE)] : [])],
      ...(settings.readOnlyRoot ? { Tmpfs: { '/tmp': TEMPORARY, '/var/tmp': TEMPORARY } } : {}),
      ...(settings.runtime === undefined ? {} : { Runtime: settings.runtime }),
      ...resources(limits, isolationOf(settings.runtime)),
    },
  }
}

const TEMPORARY = 'rw,exec,nosuid,nodev,mode=1777'

/** An anonymous volume: it goes when its container goes. */
const volume = (target: string): object => ({ Type: 'volume', Target: target, VolumeOptions: { NoCopy: true } })

function resources(limits: CreateRequest['limits'], isolation: Isolation): object {
  const memory = Math.ceil(limits.memoryBytes ?? DEFAULTS.memoryBytes)
  const ulimit = (name: string, value: number | undefined): object[] =>
    value === undefined ? [] : [{ Name: name, Soft: Math.ceil(value), Hard: Math.ceil(value) }]
  return {
    Memory: memory,
    // Together with swap: none.
    MemorySwap: memory,
    PidsLimit: Math.ceil(limits.processes ?? (isolation === 'gvisor' ? GVISOR_THREADS : DEFAULTS.processes)),
    // A quota may be above what the machine has; `NanoCpus` may not.
    CpuPeriod: CPU_PERIOD_MICROS,
    CpuQuota: Math.max(LEAST_QUOTA_MICROS, Math.round((limits.cpus ?? DEFAULTS.cpus) * CPU_PERIOD_MICROS)),
    Ulimits: [...ulimit('core', 0), ...ulimit('cpu', limits.cpuSeconds), ...ulimit('fsize', limits.fileBytes)],
  }
}

/** The limits that a container really has, from what the engine says of it. */
export function heldLimits({ HostConfig: host }: ContainerInspectInfo): LimitName[] {
  // Docker tells of "fsize", Podman of "RLIMIT_FSIZE".
  const named = (name: string): boolean => (host.Ulimits ?? []).some(({ Name }) => Name?.replace(/^RLIMIT_/, '').toLowerCase() === name)
  const held: Record<LimitName, boolean> = {
    memoryBytes: (host.Memory ?? 0) > 0,
    processes: (host.PidsLimit ?? 0) > 0,
    cpus: (host.CpuQuota ?? 0) > 0 || (host.NanoCpus ?? 0) > 0,
    cpuSeconds: named('cpu'),
    fileBytes: named('fsize'),
  }
  return LIMIT_NAMES.filter((name) => held[name])
}
