// `npm start`: installs and builds what the main job needs, then runs the command line with the given arguments.
import { join } from 'node:path'
import { commandLine, needsOf } from './command-line.mjs'
import { debianFor, installDebian } from './debian.mjs'
import { fail, installForMainJob, mainWorkspaces, ROOT, run } from './setup.mjs'

const args = commandLine(process.argv.slice(2))

if (Number(process.versions.node.split('.')[0]) < 20) fail(`start: Node "${process.versions.node}" is too old: install Node 20 or newer`)
const needs = needsOf(args)
const absent = await installDebian('start', debianFor(needs))
if (absent.length > 0) fail('start: nothing was run')
const workspaces = mainWorkspaces(needs.provider)
await installForMainJob('start', workspaces)
const { buildForMainJob } = await import('./build/main-job.mjs')
await buildForMainJob(workspaces)
process.exitCode = await run(process.execPath, [join(ROOT, 'packages/cli/dist/bin.js'), ...args])
