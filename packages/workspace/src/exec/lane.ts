import { type Clock, isRingfenceError, type Process, type Random, randomId, type SandboxBase } from '@ringfence/core'
import { quote } from '@ringfence/core/plugin'
import type { Answer, Channel, ChannelRequest } from './channel/channel.ts'
import { argumentBytes, oneSpawnChannel } from './channel/one-spawn.ts'
import { residentChannel } from './channel/resident.ts'
import type { ControlEntry } from './control-state.ts'
import { execErrors } from './errors.ts'
import {
  bootstrapScript,
  markOf,
  PLAIN_PROGRAMS,
  type PreludeFacts,
  type Programs,
  prelude,
  reattachScript,
  type ScriptKind,
} from './script/prelude.ts'
import { requests } from './script/requests.ts'

export interface LaneOptions {
  readonly sandbox: SandboxBase
  readonly user: string | undefined
  readonly env: Readonly<Record<string, string>>
  readonly epoch: number
  readonly resumeFrom: ControlEntry | undefined
  readonly clock: Clock
  readonly random: Random
  readonly idleMs: number
}

/** How a call may be repeated when its channel is lost: whenever it surely did nothing, or always. */
export type Repeat = 'if-never' | 'always'

/** The way into the sandbox as one user: a control directory and a channel. */
export interface Lane {
  readonly user: string | undefined
  readonly control: ControlEntry
  /** Which life of the sandbox this is. */
  readonly boot: string
  /** Answers and events arrive while a command runs. */
  readonly live: boolean
  /** Requests of any size, and stdin, go through one process that stays. */
  readonly resident: boolean
  /**
   * Sends a request. A lost channel is replaced and the request sent again as `repeat` allows.
   *
   * @throws `sandbox.gone`, `run.fenced`, `sandbox.closed`, or what the provider throws.
   */
  call(request: ChannelRequest, repeat: Repeat): Promise<Answer>
  /** Starts a process of its own for a script, with arguments, in the workspace, behind the fence. */
  spawn(
    script: string,
    args: readonly string[],
    options?: { stdin?: boolean | undefined; signal?: AbortSignal | undefined },
  ): Promise<Process>
  /** Raw bytes that one request can carry. */
  readonly pieceBytes: number
  /** Writes bytes into a new file of the control directory and returns its path. */
  stage(bytes: Uint8Array): Promise<string>
  raise(epoch: number): Promise<void>
  close(): Promise<void>
}

const ATTEMPTS = 4
/** Raw bytes that go into one request at most; as text they are up to four times as many. */
const PIECE = 20 * 1024
/** More than this is worth a process of its own. */
const MANY_BYTES = 8 * PIECE
/** What a request says besides its bytes. */
const REQUEST_BYTES = 2048

/**
 * Opens a lane: makes a control directory, or verifies the one to resume from.
 *
 * @throws `sandbox.gone`, `run.fenced`, `feature.unsupported`, `sandbox.start-failed`, or what the provider throws.
 */
export async function openLane(options: LaneOptions): Promise<Lane> {
  const { sandbox, user, random, clock, idleMs } = options
  const { wire } = sandbox.profile
  const kind: ScriptKind = wire.stdin === 'live' ? 'resident' : 'once'
  if (kind === 'once' && wire.pids === 'per-spawn') throw execErrors.noSharedPids()
  let facts: Omit<PreludeFacts, 'channelToken'> = {
    directory: options.resumeFrom?.path ?? '',
    generation: options.resumeFrom?.generation ?? randomId(random, 'g'),
    token: options.resumeFrom?.token ?? randomId(random, 't'),
    epoch: options.epoch,
    workspace: sandbox.info.workspace,
    programs: PLAIN_PROGRAMS,
    env: options.env,
    merged: wire.output === 'merged',
  }
  const begin = () => {
    const channelToken = Buffer.from(random.bytes(16)).toString('hex')
    return { text: prelude({ ...facts, channelToken }, kind), channelToken }
  }
  const room = kind === 'resident' ? Number.POSITIVE_INFINITY : argumentBytes(wire) - Buffer.byteLength(begin().text) - REQUEST_BYTES
  if (room < REQUEST_BYTES)
    throw execErrors.unsupported(
      `arguments of ${wire.maxArgvBytes} bytes`,
      'The engine needs room for its script: 16 KiB and the variables.',
    )
  const pieceBytes = Math.min(PIECE, Math.floor(room / 4))
  const fence = (): string => `rf_at=${quote(markOf(facts))}
rf_still() {
  read -r rf_a rf_b rf_c rf_l 2>/dev/null <${quote(`${facts.directory}/state`)}
  [ "$rf_b $rf_c" = ${quote(`${facts.generation} ${facts.token}`)} ] || { echo 'rf: gone' >&2; return 1; }
  [ "$rf_a" -le ${facts.epoch} ] || { echo "rf: fenced $rf_a" >&2; return 1; }
}
[ -e "$rf_at" ] || rf_still || exit 1
cd ${quote(facts.workspace)} || exit 1`

  const spawn: Lane['spawn'] = (script, args, { stdin, signal } = {}) =>
    sandbox.spawn(['sh', '-c', `${fence()}\n${script}`, 'sh', ...args], {
      ...(user === undefined ? {} : { user }),
      ...(stdin ? { stdin } : {}),
      ...(signal ? { signal } : {}),
    })
  const stage = async (bytes: Uint8Array): Promise<string> => {
    const name = randomId(random, 'put')
    if (kind === 'resident' && bytes.length > MANY_BYTES) return stageByStdin(name, bytes)
    for (let at = 0; at < bytes.length || at === 0; at += pieceBytes) {
      const answer = await call({ text: requests.put(name, bytes.subarray(at, at + pieceBytes)) }, 'if-never')
      if (answer.kind !== 'done' || answer.words[0] !== 'ok') throw execErrors.notStaged(answer)
    }
    return `${facts.directory}/${name}`
  }
  const stageByStdin = async (name: string, bytes: Uint8Array): Promise<string> => {
    const path = `${facts.directory}/${name}`
    const process = await spawn('umask 077; exec cat >"$1"', [path], { stdin: true })
    try {
      await process.stdin?.write(bytes)
      await process.stdin?.end()
      for await (const _ of process.output);
      const { code } = await process.exit
      if (code !== 0) throw execErrors.notStaged({ kind: 'refused', words: ['exit', String(code)] })
      return path
    } finally {
      await process.detach()
    }
  }
  const channel: Channel =
    kind === 'resident'
      ? residentChannel({ sandbox, user, prelude: begin, clock, idleMs })
      : oneSpawnChannel({ sandbox, user, prelude: begin, stage: (script) => stage(Buffer.from(script, 'utf8')) })

  const call = async (request: ChannelRequest, repeat: Repeat): Promise<Answer> => {
    for (let attempt = 1; ; attempt++) {
      const answer = await channel.call(request)
      if (answer.kind === 'refused' && answer.words[0] === 'gone') throw execErrors.gone(facts.directory)
      if (answer.kind === 'refused' && answer.words[0] === 'fenced') throw execErrors.fenced(facts.epoch, answer.words[1])
      if (answer.kind === 'refused' && answer.words[0] === 'lock') throw execErrors.notStaged(answer)
      const again = answer.kind === 'lost' && (repeat === 'always' || answer.never) && attempt < ATTEMPTS
      if (!again || isRingfenceError(answer.cause, 'sandbox.closed')) return answer
    }
  }

  const hello = await greet(options, channel, kind).catch(async (error: unknown) => {
    await channel.close()
    throw error
  })
  facts = { ...facts, directory: hello.directory, programs: hello.programs }
  return {
    user,
    control: { user: user ?? null, path: hello.directory, generation: facts.generation, token: facts.token },
    boot: hello.boot,
    live: channel.live,
    resident: kind === 'resident',
    pieceBytes,
    call,
    stage,
    spawn,
    async raise(epoch) {
      const answer = await call({ text: requests.raise(epoch), inMain: true }, 'always')
      if (answer.kind !== 'done' || answer.words[0] !== '0') throw execErrors.notStaged(answer)
      facts = { ...facts, epoch }
    },
    close: () => channel.close(),
  }
}

interface Hello {
  readonly directory: string
  readonly boot: string
  readonly programs: Programs
}

const ABSOLUTE = /^\/[^\0\n]{0,1000}$/

async function greet({ sandbox, user, random, resumeFrom }: LaneOptions, channel: Channel, kind: ScriptKind): Promise<Hello> {
  const told = new Map<string, string>()
  const { controlDirectory } = sandbox.info
  const places = [...(controlDirectory !== undefined && user === undefined ? [controlDirectory] : []), '/var/tmp', '/tmp']
  const name = randomId(random, 'ringfence')
  const text = (q: number): string => (resumeFrom ? reattachScript(q) : bootstrapScript(q, places, name, `.${name}`, kind))
  const onInfo = (line: string): void => {
    const at = line.indexOf(' ')
    told.set(line.slice(0, at), line.slice(at + 1))
  }
  let answer: Answer
  try {
    answer = await channel.call({ text, onInfo, inMain: true })
  } catch (error) {
    throw isRingfenceError(error, 'exec.spawn-failed') ? execErrors.noProgram('sh', error) : error
  }
  if (answer.kind === 'refused' && answer.words[0] === 'gone') throw execErrors.gone(resumeFrom?.path ?? '')
  if (answer.kind === 'refused' && answer.words[0] === 'fenced') throw execErrors.fenced(undefined, answer.words[1])
  if (answer.kind !== 'done') throw execErrors.notOpened(answer)
  const directory = told.get('directory') ?? ''
  const expected = resumeFrom ? directory === resumeFrom.path : directory.endsWith(`/${name}`) || directory.endsWith(`/.${name}`)
  if (!ABSOLUTE.test(directory) || !expected) throw execErrors.notOpened(answer)
  for (const program of ['setsid', 'dd'] as const) if (!told.get(program)) throw execErrors.noProgram(program)
  const place = (program: keyof Programs): string => {
    const said = told.get(program) ?? ''
    return ABSOLUTE.test(said) ? said : program
  }
  const boot = answer.words[0] ?? ''
  return {
    directory,
    boot: /^[\w.:-]{1,80}$/.test(boot) ? boot : '-',
    programs: { sh: place('sh'), setsid: place('setsid'), dd: place('dd') },
  }
}
