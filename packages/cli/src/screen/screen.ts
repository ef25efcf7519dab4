import type { JsonObject } from '@ringfence/core'
import pc from 'picocolors'

export interface ScreenOptions {
  readonly json: boolean
  readonly out: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly err: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly env: NodeJS.ProcessEnv
}

/** Where everything is shown: lines for people, or one JSON object a line. */
export interface Screen {
  readonly json: boolean
  /** A heading of a part. */
  title(text: string): void
  /** A line with a name in front. */
  row(name: string, text: string): void
  /** Something that went well, or did not. */
  result(ok: boolean, text: string): void
  note(text: string): void
  /** Text as it is. */
  line(text: string): void
  /** Text as it is, indented. */
  block(text: string): void
  diff(text: string): void
  /** In JSON: one object. For people: nothing. */
  event(event: JsonObject): void
  /** For people alone, to stderr. */
  warn(text: string): void
  /** To stderr, or as one JSON object. */
  error(code: string, message: string, hint: string | undefined): void
}

// What comes out of a sandbox must not drive the terminal of the person who reads it.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** Text that no terminal takes for a command. */
function plain(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(CONTROL, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

const indent = (text: string): string => text.replace(/\n$/, '').replace(/^/gm, '    ')

/** Colours on a terminal, unless NO_COLOR is set; always with FORCE_COLOR. */
function colorsFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): ReturnType<typeof pc.createColors> {
  const wanted = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0'
  const refused = env.NO_COLOR !== undefined && env.NO_COLOR !== ''
  return pc.createColors(!refused && (wanted || (stream.isTTY === true && env.TERM !== 'dumb')))
}

export function makeScreen(options: ScreenOptions): Screen {
  const { json, out, err, env } = options
  const colors = colorsFor(out, env)
  const line = (text: string): void => {
    if (!json) out.write(`${text}\n`)
  }
  return {
    json,
    title: (text) => line(`\n${colors.bold(plain(text))}`),
    row: (name, text) => line(`  ${colors.dim(name.padEnd(10))} ${plain(text)}`),
    result: (ok, text) => line(`  ${ok ? colors.green('ok') : colors.red('no')}  ${plain(text)}`),
    line: (text) => line(plain(text)),
    note: (text) => line(`  ${colors.dim(plain(text))}`),
    block: (text) => line(colors.dim(indent(plain(text)))),
    diff(text) {
      const paint = (one: string): string => (one.startsWith('+') ? colors.green(one) : one.startsWith('-') ? colors.red(one) : one)
      line(
        indent(plain(text))
          .split('\n')
          .map((one) => `    ${paint(one.slice(4))}`)
          .join('\n'),
      )
    },
    event: (event) => {
      if (json) out.write(`${JSON.stringify(event)}\n`)
    },
    warn: (text) => {
      if (!json) err.write(`${plain(text)}\n`)
    },
    error(code, message, hint) {
      if (json) {
        out.write(`${JSON.stringify({ type: 'error', code, message, hint })}\n`)
        return
      }
      err.write(`${colorsFor(err, env).red('error')} ${code}: ${plain(message)}\n${hint ? `      ${plain(hint)}\n` : ''}`)
    },
  }
}
