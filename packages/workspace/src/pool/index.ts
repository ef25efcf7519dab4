export { type SandboxPool, type SandboxPoolOptions, sandboxPool } from './sandbox-pool.ts'
