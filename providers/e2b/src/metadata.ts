import type { CreateRequest, SandboxRef } from '@ringfence/core'
import { PREFIX, type Settings } from './options.ts'

/** By which the sandboxes of an intent are found. */
export function intentOf({ installation, runId, intentId }: SandboxRef): Record<string, string> {
  return { ...installationOf(installation), [`${PREFIX}run`]: runId, [`${PREFIX}intent`]: intentId }
}

export const installationOf = (installation: string): Record<string, string> => ({ [`${PREFIX}installation`]: installation })

export const CREATION = `${PREFIX}creation`
export const SPEC = `${PREFIX}spec`

/** What a sandbox was asked for with. A second creator of its intent has to want the same. */
export const specOf = ({ template }: Settings, { from, egress }: CreateRequest): string => `${from?.id ?? template} ${egress}`

/** Whether a sandbox is one of this provider. */
export const isOurs = (metadata: Readonly<Record<string, string>>): boolean => metadata[`${PREFIX}intent`] !== undefined
