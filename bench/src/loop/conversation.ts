/** What is said and called in each turn, the same for everyone. */
export const INSTRUCTIONS = 'Look at every part.'
export const QUESTION = 'Look at the work.'
export const SAID = 'I look at the next part of the work.'
export const DONE = 'All of it is done.'
export const TOOL = { name: 'look_up', description: 'Looks something up.' } as const

export function questionOf(turn: number): { readonly subject: string } {
  return { subject: `part ${turn}` }
}

export function answerTo({ subject }: { readonly subject: string }): string {
  return `The ${subject} has twelve lines, of which three were changed and none was removed since it was last looked at.`
}
