import { RingfenceError } from '../errors/ringfence-error.ts'

const PLAIN = /^[A-Za-z0-9_/.,:=@%+-]+$/
/** Words that a shell does not take for a command or an argument everywhere: assignments, and its own. */
const SPECIAL = /^(?:[A-Za-z_][A-Za-z0-9_]*=.*|case|do|done|elif|else|esac|fi|for|if|in|then|until|while)$/

/**
 * Quotes a word for a POSIX shell, so that it is read back as it is.
 *
 * @throws `config.invalid` for a NUL, which no argument can hold.
 */
export function quote(word: string): string {
  if (word.includes('\0'))
    throw new RingfenceError('config.invalid', `The argument ${JSON.stringify(word)} holds a NUL`, {
      hint: 'No argument of a process can hold one.',
      effect: 'none',
    })
  return PLAIN.test(word) && !SPECIAL.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** Quotes the words of a command, with a space between them. */
export function quoteAll(words: readonly string[]): string {
  return words.map(quote).join(' ')
}
