import type { WireApi } from '../wire-api.ts'
import { readChatRequest } from './read-request.ts'
import { chatFrames, wholeCompletion } from './write-answer.ts'

export const chatApi: WireApi = {
  path: '/v1/chat/completions',
  read: readChatRequest,
  frames: chatFrames,
  whole: wholeCompletion,
}
