import { quote } from '@ringfence/core/plugin'
import { LIBRARY } from './library.ts'

/** What the script knows of the control directory that it works in. */
export interface PreludeFacts {
  /** Absolute path of the control directory; empty before the first bootstrap. */
  readonly directory: string
  readonly generation: string
  readonly token: string
  readonly epoch: number
  readonly workspace: string
  /** Programs inside, as `command -v` says. */
  readonly programs: Programs
  /** Variables of every command. */
  readonly env: Readonly<Record<string, string>>
  /** Stdout and stderr come back as one: events then take the lock of the payload. */
  readonly merged: boolean
  /** Known to the channel alone; it begins every event and ends every payload. */
  readonly channelToken: string
}

export interface Programs {
  readonly sh: string
  readonly setsid: string
  readonly dd: string
}

/** The file that is there as long as no higher epoch took over: the script looks at it, and reads `state` only without it. */
export function markOf({ directory, epoch, generation, token }: Omit<PreludeFacts, 'channelToken'>): string {
  return `${directory}/at.${epoch}.${generation}.${token}`
}

/** A shell that stays, or one for each request. */
export type ScriptKind = 'resident' | 'once'

/** The names, before their places are known. */
export const PLAIN_PROGRAMS: Programs = { sh: 'sh', setsid: 'setsid', dd: 'dd' }

const EVENTS = `rf_ev() { printf '%s %s %s\\n' "$rf_K" "$1" "$2" >&3; }`
const MERGED_EVENTS = `rf_ev() { rf_lock; printf '%s %s %s\\n' "$rf_K" "$1" "$2" >&4; rf_unlock; }`
const NO_LOCK = `rf_ready=1
rf_lock() { :; }
rf_unlock() { :; }`
const LOCK = `rf_ready=
rf_lock() { read -r rf_go <&5; }
rf_unlock() { printf '\\n' >&5; }`

/** The begin of every script: descriptors, variables, functions. Nothing of the shell's own talk reaches the channel. */
export function prelude(facts: PreludeFacts, kind: ScriptKind): string {
  const exported = Object.entries(facts.env).map(([name, value]) => quote(`${name}=${value}`))
  return [
    'exec 3>&2 4>&1 >/dev/null 2>&1',
    'unset CDPATH ENV; rf_IFS=" \t',
    '"; IFS=$rf_IFS',
    `rf_K=${facts.channelToken} rf_D=${quote(facts.directory)} rf_G=${facts.generation} rf_T=${facts.token} rf_E=${facts.epoch}`,
    `rf_W=${quote(facts.workspace)} rf_own=${kind === 'resident' ? 'lock' : facts.channelToken} rf_umask=`,
    `rf_SH=${quote(facts.programs.sh)} rf_SS=${quote(facts.programs.setsid)} rf_DD=${quote(facts.programs.dd)}`,
    facts.merged ? MERGED_EVENTS : EVENTS,
    kind === 'resident' ? LOCK : NO_LOCK,
    `rf_base() { ${exported.length > 0 ? `export ${exported.join(' ')}` : ':'}; }`,
    LIBRARY,
    'rf_place',
    kind === 'resident' && facts.directory !== '' ? OPEN_LOCK : '',
    '',
  ].join('\n')
}

/**
 * Makes the lock of the payload, in a resident whose directory is known: the pipe of a here-document, opened once more for both
 * ways. Where a here-document is a file, or a pipe cannot be opened again, it is a FIFO, which costs two processes.
 */
const OPEN_LOCK: string = `exec 5<<E

E
if [ -p /proc/self/fd/5 ] && command exec 5<>/proc/self/fd/5; then rf_ready=1
else mkfifo "$rf_D/lock.$$" </dev/null && exec 5<>"$rf_D/lock.$$" && rm -f "$rf_D/lock.$$" </dev/null && printf '\\n' >&5 && rf_ready=1
fi`

const REPORT = `rf_boot=-
[ ! -r /proc/sys/kernel/random/boot_id ] || read -r rf_boot </proc/sys/kernel/random/boot_id
if read -r rf_a </proc/1/stat; then
  rf_a=\${rf_a##*) }
  set -- $rf_a
  rf_boot=$rf_boot.\${20}
fi`

/** Programs get absolute places: a command may have a PATH of its own. What is in no folder of it may still be an applet. */
const hello = (q: number): string => `for rf_a in sh setsid dd; do
  rf_which $rf_a "$PATH" || rf_p=$(command -v $rf_a)
  rf_ev ${q} "I $rf_a $rf_p"
  case $rf_a in sh) rf_SH=$rf_p ;; setsid) rf_SS=$rf_p ;; dd) rf_DD=$rf_p ;; esac
done
rf_ev ${q} "I directory $rf_D"
rf_ev ${q} "D 0 $rf_boot"`

/** Makes a control directory in the first of the places that can be written to, and reports about the sandbox. */
export function bootstrapScript(q: number, places: readonly string[], name: string, inWorkspace: string, kind: ScriptKind): string {
  const words = [...places.map(quote), '"$HOME"'].join(' ')
  return `${REPORT}
rf_D=
for rf_a in ${words}; do
  if [ -n "$rf_a" ] && [ -d "$rf_a" ] && [ -w "$rf_a" ] && LC_ALL=C mkdir -m 700 "$rf_a/${name}" </dev/null; then rf_D=$rf_a/${name}; break; fi
done
if [ -z "$rf_D" ] && mkdir -m 700 "$rf_W/${inWorkspace}" </dev/null; then rf_D=$rf_W/${inWorkspace}; fi
rf_place
if [ -n "$rf_D" ] && printf '%s %s %s %s\\n' "$rf_E" "$rf_G" "$rf_T" "$rf_boot" >"$rf_D/state" && true >"$rf_at"; then
${kind === 'resident' ? OPEN_LOCK : ''}
${hello(q)}
else rf_ev ${q} 'R place'
fi`
}

/** Checks a control directory that is there already, raises its epoch, and reports. */
export function reattachScript(q: number): string {
  return `${REPORT}
rf_at=/dev/null/-
if rf_guard ${q}; then
  if { [ "$rf_a $rf_l" = "$rf_E $rf_boot" ] || rf_settle "$rf_boot"; } && rf_shut; then
${hello(q)}
  elif rf_guard ${q}; then rf_ev ${q} 'R place'
  fi
fi`
}
