import type { WireApi } from '../wire-api.ts'
import { readResponsesRequest } from './read-request.ts'
import { responsesFrames, wholeResponse } from './write-answer.ts'

export const responsesApi: WireApi = {
  path: '/v1/responses',
  read: readResponsesRequest,
  frames: responsesFrames,
  whole: wholeResponse,
}
