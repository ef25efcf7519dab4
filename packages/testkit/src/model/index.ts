export type { Script, ScriptedReply, ScriptedToolCall } from './script.ts'
export { type ModelStep, type ScriptedModel, type ScriptedModelOptions, scriptedModel } from './scripted-model.ts'
