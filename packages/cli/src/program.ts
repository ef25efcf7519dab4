import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import { conformanceCommand } from './commands/conformance.ts'
import type { CommandContext, CommonOptions } from './commands/context.ts'
import { doctorCommand } from './commands/doctor.ts'
import { execCommand } from './commands/exec.ts'
import { providersCommand } from './commands/providers.ts'
import { approveCommand, runCommand } from './commands/run.ts'
import { shellCommand } from './commands/shell.ts'

/** Runs a command with its context and takes its exit code. */
export type Launch = (options: CommonOptions, body: (context: CommandContext) => Promise<number>) => Promise<void>

function positive(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('Give a whole number from 1 on.')
  return value
}

const version = (): string => JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version

const json = (): Option => new Option('--json', 'one JSON object a line instead of text')
const openNetwork = (): Option => new Option('--open-network', 'let what runs inside use the network (default: none)')
const provider = (): Option =>
  new Option('-p, --provider <name>', 'where the sandbox comes from: an id, a package or a folder').default('local')
const providerOptions = (): Option => new Option('--provider-options <json>', 'options of the provider')

const EXAMPLES = `
Examples:
  $ ringfence run                                             the bundled example, from a failing test to a passing one
  $ ringfence run --repo . --task "make the tests pass" --model gpt-5.5
  $ ringfence run --repo . --task "..." --ask                 stop before each command and patch
  $ ringfence exec --repo . npm test                          one command in a sandbox
  $ ringfence doctor                                          what is missing here

Exit codes: 0 done, 1 not done, 2 wrong arguments, 3 something is missing here, 4 waits for approve, 130 interrupted.
NO_COLOR and FORCE_COLOR are honoured. Runs are kept in $RINGFENCE_HOME, or ~/.local/state/ringfence.`

/** The commands of `ringfence`. */
export function program(launch: Launch): Command {
  const root = new Command('ringfence')
    .description('Agents that work in a sandbox, and a harness that stays outside.')
    .version(version())
    .enablePositionalOptions()
    .addHelpText('after', EXAMPLES)
  root
    .command('run')
    .description('let an agent do a task in a copy of a repository')
    .option('--repo <path|url>', 'the repository; default: the bundled example')
    .option('--task <text>', 'what to do')
    .addOption(provider())
    .addOption(providerOptions())
    .option('-m, --model <name>', 'the model, by the name that its service knows (OPENAI_API_KEY, OPENAI_BASE_URL)')
    .addOption(new Option('--api <name>', 'the protocol of the service').choices(['responses', 'chat-completions']).default('responses'))
    .option('--check <command>', 'ends well only if this command does, run inside when the agent has ended')
    .option('--ask', 'wait for `approve` before each command and patch')
    .option('--apply', 'apply the patch to the repository of this machine')
    .option('--consent', 'with --apply: also files that tools run by themselves')
    .option('--max-turns <n>', 'the most turns of the model', positive, 150)
    .addOption(openNetwork())
    .addOption(json())
    .action((flags) => launch(flags, (context) => runCommand(flags, context)))
  root
    .command('approve <run>')
    .description('decide on what a run waits for, and go on with it')
    .option('--reject <why>', 'do not let it, and tell the model why')
    .option('--repo <url>', 'again, when the run was started with a URL')
    .option('-p, --provider <folder>', 'again, when the run was started with a folder')
    .option('--provider-options <json>', 'again, when the run was started with some: they are not kept')
    .addOption(json())
    .action((run, flags) => launch(flags, (context) => approveCommand(run, flags, context)))
  root
    .command('exec <words...>')
    .description('run one command in a sandbox of its own; its exit code is passed on')
    .passThroughOptions()
    .option('--repo <path|url>', 'a copy of this repository is there')
    .option('--timeout <seconds>', 'kill it after so long; the exit code is 124 then', positive)
    .addOption(provider())
    .addOption(providerOptions())
    .addOption(openNetwork())
    .addOption(json())
    .action((words, flags) => launch(flags, (context) => execCommand(words, flags, context)))
  root
    .command('shell')
    .description('a shell in a sandbox of its own')
    .option('--repo <path|url>', 'a copy of this repository is there')
    .addOption(provider())
    .addOption(providerOptions())
    .addOption(openNetwork())
    .action((flags) => launch(flags, (context) => shellCommand(flags, context)))
  root
    .command('providers')
    .description('what providers are installed, and what they can do')
    .addOption(json())
    .action((flags) => launch(flags, providersCommand))
  root
    .command('conformance <provider>')
    .description('run the suite of providers on one: an id, a package or a folder; `all` for every one that is installed')
    .option('--subject <title>', 'one of the subjects that the provider brings in its file conformance.ts, by its title or a part of it')
    .option('--list', 'show the subjects, and run nothing')
    .addOption(new Option('--provider-options <json>', 'run it with these options, in place of its subjects'))
    .option('--only <ids...>', 'requirements, or beginnings of their ids; without the mutants')
    .option('--no-mutants', 'do not prove the suite by its mutants')
    .option('--live', 'ask the hosted services themselves, where a provider has one')
    .addOption(json())
    .action((name, flags) => launch(flags, (context) => conformanceCommand(name, flags, context)))
  root
    .command('doctor')
    .description('what is missing on this machine, and the line that mends it')
    .option('-p, --provider <name>', 'look at this one alone: an id, a package or a folder')
    .addOption(providerOptions())
    .addOption(json())
    .action((flags) => launch(flags, (context) => doctorCommand(flags, context)))
  return root
}
