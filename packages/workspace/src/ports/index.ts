export { openPorts } from './open-ports.ts'
export type { PortOptions, WorkspacePort } from './port.ts'
