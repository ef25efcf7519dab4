import type { Protocol } from '../protocol.ts'
import { readResponses, responseOf } from './answer.ts'
import { responsesBody } from './request.ts'

/** The Responses API. Nothing is stored at the service, so that the encrypted reasoning goes along. */
export function responses(): Protocol {
  let encryptedReasoning = true
  return {
    path: '/responses',
    toolKinds: ['function', 'custom'],
    body: (request, model) => responsesBody(request, model, encryptedReasoning),
    read: readResponses,
    whole: responseOf,
    adapt(failure) {
      // Models that do not reason refuse the request for their reasoning; which ones is the service's to know.
      const aboutReasoning = failure.details.status === 400 && /encrypted[ _]content/i.test(`${failure.details.param} ${failure.message}`)
      const learned = encryptedReasoning && aboutReasoning
      if (learned) encryptedReasoning = false
      return learned
    },
  }
}
