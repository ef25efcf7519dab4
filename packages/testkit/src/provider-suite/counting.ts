import { conformanceError, expectEqual, expectTrue } from '../assert/assert.ts'

/** Counts until there is `stop` in the directory $1, with the time of the machine; then it ends well. Makes `counting` when it has begun. */
export const COUNT = `n=0; count() { n=$((n+1)); read -r up rest < /proc/uptime; echo "$n $up"; }
count; : > "$1/counting"
while [ ! -e "$1/stop" ]; do sleep 0.05; count; done
count; echo end`

/** How long it is paused, in milliseconds. */
export const PAUSED_MS = 1500

/** Checks that what was counted is whole, and that nothing was counted for the time of the pause. */
export function expectStoodStill(output: string): void {
  const lines = output.split('\n')
  expectEqual(lines.slice(-2), ['end', ''], 'The end of the output')
  const counted = lines.slice(0, -2).map((line) => line.split(' ').map(Number))
  expectEqual(
    counted.map(([number]) => number),
    counted.map((_, index) => index + 1),
    'The numbers',
  )
  const times = counted.map(([, time]) => time ?? Number.NaN)
  const longest = Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? 0)))
  if (!Number.isFinite(longest)) throw conformanceError(`The process did not count: ${JSON.stringify(output.slice(0, 400))}`)
  expectTrue(longest * 1000 >= PAUSED_MS * 0.9, `It was paused for ${PAUSED_MS} ms, and stood still for ${longest} s at most`)
}
