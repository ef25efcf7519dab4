import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { RingfenceError } from '@ringfence/core'

/** The built program lies one folder deep in the package, its source two. */
const SOURCES = ['../demo-repository', '../../demo-repository'].map((path) => fileURLToPath(new URL(path, import.meta.url)))

/** Makes a fresh git repository with the bundled example. Throws `git.failed`; nothing is left then. */
export async function makeDemoRepository(path: string): Promise<void> {
  const git = (...args: string[]): void => {
    execFileSync(
      'git',
      ['-C', path, '-c', 'user.name=Ringfence', '-c', 'user.email=ringfence@localhost', '-c', 'core.hooksPath=/dev/null', ...args],
      { stdio: 'ignore' },
    )
  }
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await cp(SOURCES.find((source) => existsSync(source)) ?? '', path, { recursive: true })
    git('init', '--quiet')
    git('add', '--all')
    git('commit', '--quiet', '--message', 'Invoices')
  } catch (cause) {
    await removeDemoRepository(path)
    throw new RingfenceError('git.failed', `The bundled example could not be made in "${path}": ${String(cause)}`, {
      hint: 'It needs git and a place to write: apt-get install -y git, or set RINGFENCE_HOME.',
      effect: 'none',
      cause,
    })
  }
}

/** @param path by the id of the run, never as the run keeps it: that may have been altered. */
export async function removeDemoRepository(path: string): Promise<void> {
  // What went before counts more than a folder that stays.
  await rm(path, { recursive: true, force: true }).catch(() => undefined)
}

export const DEMO_TASK = 'A test of this repository fails. Find out why, mend it, and run the tests again.'

/** What tells whether the task of the demo is done. */
export const DEMO_CHECK = 'node --test'
