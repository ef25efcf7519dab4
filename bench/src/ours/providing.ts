import { join } from 'node:path'
import type { Provider } from '@ringfence/core'
import { docker } from '@ringfence/provider-docker'
import { local } from '@ringfence/provider-local'
import { type Bench, engineOf } from '../bench.ts'

/** Where sandboxes come from. */
export type Providing = (bench: Bench) => Provider

/** Isolated sandboxes of this machine, below the folder of the case. */
export const onThisMachine: Providing = ({ folder }) => local({ directory: join(folder, 'sandboxes') })

/** Containers of the engine of the run. */
export const inContainers: Providing = (bench) => docker(engineOf(bench))
