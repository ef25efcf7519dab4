import type { Protocol } from '../protocol.ts'
import { completionOf, readChat } from './answer.ts'
import { chatBody } from './request.ts'

/** The Chat Completions API, which most other servers speak. */
export function chatCompletions(): Protocol {
  return {
    path: '/chat/completions',
    toolKinds: ['function'],
    body: chatBody,
    read: readChat,
    whole: completionOf,
    adapt: () => false,
  }
}
