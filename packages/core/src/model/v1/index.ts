export type {
  AssistantMessageItem,
  InputPart,
  Item,
  OutputItem,
  ReasoningItem,
  ToolCallItem,
  ToolResultItem,
  UserMessageItem,
} from './item.ts'
export type { Model, ModelCall, ModelEvent, ModelRequest, ModelResponse, ModelSettings, OutputSchema, ToolSpec, Usage } from './model.ts'
export { addUsage, NO_USAGE } from './usage.ts'
