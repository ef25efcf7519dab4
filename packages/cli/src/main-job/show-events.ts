import type { Item, ToolOutput } from '@ringfence/core'
import type { RunEvent } from '@ringfence/harness'
import type { Screen } from '../screen/screen.ts'

const MOST_LINES = 14

/** The text of a result, without images. */
function textOf(output: ToolOutput): string {
  return typeof output === 'string'
    ? output
    : output.map((part) => (part.type === 'text' ? part.text : `(an image, ${part.mediaType})`)).join('\n')
}

/** The lines that tell most: those that name a failure or a number of tests, else the last ones. */
function essence(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const telling = lines.filter((line) => /^(# run |not ok|# (tests|pass|fail) |\s+(error|expected|actual):)/.test(line))
  return (telling.length > 0 ? telling.slice(0, MOST_LINES) : lines.slice(-MOST_LINES)).join('\n')
}

function commandOf(args: string): string {
  try {
    const { cmd } = JSON.parse(args) as { cmd?: unknown }
    return typeof cmd === 'string' ? cmd : args
  } catch {
    // The model wrote no JSON: it is shown as it is.
    return args
  }
}

function showResult(screen: Screen, name: string, output: string): void {
  if (name !== 'exec_command' && name !== 'write_stdin') {
    screen.block(output.split('\n').slice(0, MOST_LINES).join('\n'))
    return
  }
  const wall = /^Wall time: ([\d.]+) seconds$/m.exec(output)?.[1]
  const code = /^Process exited with code (\d+)$/m.exec(output)?.[1]
  const [, body = ''] = /\nOutput:\n([\s\S]*)$/.exec(output) ?? []
  if (code === undefined && !/^Process running with session ID/m.test(output)) {
    screen.result(false, output)
    return
  }
  screen.block(essence(body))
  screen.result(
    code === '0',
    `${code === undefined ? 'still running' : `exit ${code}`}${wall ? `, ${(Number(wall) * 1000).toFixed(0)} ms` : ''}`,
  )
}

function showItem(screen: Screen, item: Item): void {
  if (item.type === 'message' && item.role === 'assistant') {
    screen.title('Answer')
    screen.block(item.text)
  }
}

export interface EventView {
  show(event: RunEvent): void
  /** Holds back what is to be shown after the result of the call that runs now. */
  afterResult(show: () => void): void
}

/** Shows the events of a run as they come. */
export function eventView(screen: Screen): EventView {
  const names = new Map<string, string>()
  const held: (() => void)[] = []
  const release = (): void => {
    for (const show of held.splice(0)) show()
  }
  const show = (event: RunEvent): void => {
    screen.event(JSON.parse(JSON.stringify(event)))
    switch (event.type) {
      case 'tool-begin':
        names.set(event.callId, event.name)
        screen.title(event.name === 'apply_patch' ? 'Patch' : event.name === 'exec_command' ? 'Command' : `Tool ${event.name}`)
        if (event.name === 'apply_patch') screen.diff(event.arguments)
        else screen.row('$', commandOf(event.arguments))
        break
      case 'tool-end':
        showResult(screen, names.get(event.callId) ?? event.name, textOf(event.output))
        release()
        break
      case 'item':
        showItem(screen, event.item)
        break
      case 'interruption':
        screen.title('Waits for a person')
        screen.row('call', `${event.interruption.name} ${event.interruption.arguments.slice(0, 200)}`)
        break
      case 'sandbox':
        if (event.phase === 'restored') screen.note('the sandbox was gone; its content is restored from the last snapshot')
        break
      case 'end':
        release()
        break
      default:
        break
    }
  }
  return { show, afterResult: (later) => held.push(later) }
}
