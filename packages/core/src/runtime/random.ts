import { randomBytes } from 'node:crypto'

/** Randomness, as one source, so that a test can replay it. */
export interface Random {
  bytes(length: number): Uint8Array
}

/** The randomness of the machine, fit for tokens. */
export const systemRandom: Random = { bytes: (length) => randomBytes(length) }

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * A path-safe id: a prefix, an underscore and lower-case characters of 5 random bits each.
 *
 * @param length characters after the underscore; 20 are 100 bits.
 */
export function randomId(random: Random, prefix: string, length = 20): string {
  let id = ''
  for (const byte of random.bytes(length)) id += ALPHABET[byte & 31]
  return `${prefix}_${id}`
}
