/** The limits that a policy can set on a sandbox as a whole. */
export const LIMIT_NAMES = ['memoryBytes', 'processes', 'cpus', 'cpuSeconds', 'fileBytes'] as const

export type LimitName = (typeof LIMIT_NAMES)[number]

/**
 * `memoryBytes` and `processes` count the whole sandbox; `cpus` is a share (1.5 = one and a half cores); `cpuSeconds`
 * is the time of one process; `fileBytes` the size of one file.
 */
export type Limits = { readonly [Name in LimitName]?: number | undefined }
