import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The built program lies one folder deep in the package, its source two. */
const SOURCES = ['../demo-repository', '../../demo-repository'].map((path) => fileURLToPath(new URL(path, import.meta.url)))

/** A fresh git repository with the bundled example, in a temporary folder. */
export async function demoRepository(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'ringfence-demo-'))
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true })
  try {
    await cp(SOURCES.find((source) => existsSync(source)) ?? '', path, { recursive: true })
    const git = (...args: string[]): void => {
      execFileSync(
        'git',
        ['-C', path, '-c', 'user.name=Ringfence', '-c', 'user.email=ringfence@localhost', '-c', 'core.hooksPath=/dev/null', ...args],
        { stdio: 'ignore' },
      )
    }
    git('init', '--quiet')
    git('add', '--all')
    git('commit', '--quiet', '--message', 'Invoices')
    return { path, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

export const DEMO_TASK = 'A test of this repository fails. Find out why, mend it, and run the tests again.'

/** What tells whether the task of the demo is done. */
export const DEMO_CHECK = 'node --test'
