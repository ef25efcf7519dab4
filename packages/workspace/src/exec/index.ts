export type { Redactor } from './context.ts'
export { type ControlEntry, type ControlState, parseControlState } from './control-state.ts'
export { type EngineExecOptions, type EngineSpawnOptions, type Exec, type OpenExecOptions, openExec } from './open-exec.ts'
