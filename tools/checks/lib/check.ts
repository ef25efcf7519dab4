/** One thing that is wrong: where, which rule it breaks, and what to do. */
export interface Finding {
  /** A path below the root, with `:line` where there is one. */
  readonly file: string
  /** What the rule says, or what was found against it. */
  readonly rule: string
  readonly fix: string
}

export interface CheckResult {
  /** How many things were looked at. A check that looked at none fails: it would pass whatever is wrong. */
  readonly checked: number
  readonly findings: readonly Finding[]
  /** What is worth a line and is not wrong. */
  readonly notes?: readonly string[] | undefined
}

export interface Check {
  /** As in `npm run check -- <name>`. */
  readonly name: string
  /** @param root the folder of the repository. */
  readonly run: (root: string) => Promise<CheckResult> | CheckResult
}

/** What became of one check. */
export interface Outcome {
  readonly name: string
  readonly passed: boolean
  readonly seconds: number
  readonly lines: readonly string[]
}

/** Runs one check. One that throws, or looked at nothing, has failed. */
export async function runCheck(check: Check, root: string): Promise<Outcome> {
  const started = performance.now()
  const lines: string[] = []
  let passed = false
  try {
    const { checked, findings, notes = [] } = await check.run(root)
    lines.push(...notes.map((note) => `  note: ${note}`))
    lines.push(...findings.map(({ file, rule, fix }) => `  ${file}: ${rule}\n    fix: ${fix}`))
    if (checked === 0) lines.push('  it looked at nothing\n    fix: correct the paths that this check reads')
    passed = checked > 0 && findings.length === 0
  } catch (error) {
    lines.push(`  it could not run: ${error instanceof Error ? error.message : String(error)}`)
  }
  return { name: check.name, passed, seconds: (performance.now() - started) / 1000, lines }
}
