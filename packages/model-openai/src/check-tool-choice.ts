import { type ModelRequest, RingfenceError, type ToolSpec } from '@ringfence/core'

/**
 * What `toolChoice` means: a mode, a tool that it names, or nothing without tools.
 *
 * @throws `config.invalid` for a name that no tool has.
 */
export function toolChoiceOf({ settings, tools }: ModelRequest): 'auto' | 'required' | 'none' | ToolSpec | undefined {
  const { toolChoice } = settings
  if (toolChoice === undefined || tools.length === 0) return undefined
  if (toolChoice === 'auto' || toolChoice === 'required' || toolChoice === 'none') return toolChoice
  const named = tools.find((tool) => tool.name === toolChoice)
  if (named) return named
  throw new RingfenceError('config.invalid', `The tool choice "${toolChoice}" is not one of the tools`, {
    provider: 'openai',
    operation: 'model.stream',
    hint: 'Name a tool of the agent, or give "auto", "required" or "none".',
    effect: 'none',
  })
}
