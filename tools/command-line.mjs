/** The commands that open a sandbox. */
const SANDBOX_COMMANDS = ['run', 'approve', 'exec', 'shell', 'conformance']

/** What the command line answers without a command. */
const GLOBAL_OPTIONS = ['-h', '--help', '-V', '--version']

/**
 * The line for the command line: options alone, and nothing at all, are those of the main job.
 *
 * @param {readonly string[]} given
 * @returns {readonly string[]}
 */
export function commandLine(given) {
  const [first] = given
  const hasCommand = first !== undefined && (!first.startsWith('-') || GLOBAL_OPTIONS.includes(first))
  return hasCommand ? given : ['run', ...given]
}

/**
 * @typedef {object} Needs
 * @property {string | undefined} provider the provider whose sandbox a command opens; nothing when it opens none.
 * @property {boolean} repository whether it takes a repository, which `run` does always.
 */

/**
 * What a line for the command line needs around it. It is read as far as that goes; the program itself judges it.
 *
 * @param {readonly string[]} args
 * @returns {Needs}
 */
export function needsOf([command = '', ...rest]) {
  if (!SANDBOX_COMMANDS.includes(command)) return { provider: undefined, repository: false }
  const named = command === 'conformance' ? rest.find((word) => !word.startsWith('-')) : optionOf(rest, '--provider', '-p')
  const provider = named ?? 'local'
  return { provider, repository: command === 'run' || optionOf(rest, '--repo') !== undefined }
}

/**
 * @param {readonly string[]} words
 * @param {readonly string[]} names
 */
function optionOf(words, ...names) {
  const at = words.findIndex((word) => names.includes(word.split('=')[0] ?? ''))
  if (at < 0) return undefined
  return words[at]?.includes('=') ? words[at].slice(words[at].indexOf('=') + 1) : words[at + 1]
}
