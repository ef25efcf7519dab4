import { expectEqual, expectThrown } from '../../assert/assert.ts'
import type { Requirement } from '../requirement.ts'
import { START, spanOptions, type TracerSubject, type WrittenSpan } from './subject.ts'

const namesOf = (spans: readonly WrittenSpan[]): readonly string[] => spans.map(({ name }) => name).sort()

export const writingRequirements: readonly Requirement<TracerSubject>[] = [
  {
    id: 'flush.writes',
    behaviour: 'After `flush` every span that ended before it is written, also at the second time, and none is lost among many.',
    async run(subject, context) {
      const place = await subject.place(context)
      const tracer = place.open()
      await tracer.flush?.()
      for (let round = 1; round <= 2; round += 1) {
        for (let index = 0; index < 2_000; index += 1) tracer.startSpan(`span ${round}.${index}`, spanOptions(index + 1)).end(START + 1)
        await Promise.all([tracer.flush?.(), tracer.flush?.()])
        const names = new Set((await place.spans()).map(({ name }) => name))
        expectEqual(names.size, round * 2_000, `The number of spans after flush ${round}`)
      }
      expectEqual((await place.spans()).length, 4_000, 'The number of spans')
    },
  },
  {
    id: 'shutdown.flushes',
    behaviour: '`shutdown` writes what is buffered; after it and after a second one, spans do nothing and throw nothing.',
    async run(subject, context) {
      const place = await subject.place(context)
      const tracer = place.open()
      const open = tracer.startSpan('ended after', spanOptions(1))
      tracer.startSpan('ended before', spanOptions(2)).end(START + 1)
      await tracer.shutdown?.()
      open.end(START + 2)
      tracer.startSpan('begun after', spanOptions(3)).end(START + 3)
      await tracer.shutdown?.()
      await tracer.flush?.()
      expectEqual(namesOf(await place.spans()), ['ended before'], 'The spans')
    },
  },
  {
    id: 'writers.together',
    behaviour: 'Several tracers write to one place without harm to each other.',
    async run(subject, context) {
      const place = await subject.place(context)
      const tracers = Array.from({ length: 4 }, () => place.open())
      for (let index = 0; index < 200; index += 1)
        for (const [which, tracer] of tracers.entries())
          tracer
            .startSpan(`span ${which}.${index}`, spanOptions(which * 1_000 + index + 1, { attributes: { text: 'x'.repeat(index * 20) } }))
            .end(START + 1)
      await Promise.all(tracers.map((tracer) => tracer.shutdown?.()))
      const names = (await place.spans()).map(({ name }) => name)
      expectEqual([names.length, new Set(names).size], [800, 800], 'The number of spans, and of their names')
    },
  },
  {
    id: 'failure.not-in-the-run',
    behaviour: 'When nothing can be written, no call of a span throws; `flush` tells it.',
    async run(subject, context) {
      const place = await subject.place(context)
      const tracer = place.open()
      await place.fail()
      for (let index = 1; index <= 3; index += 1) {
        const span = tracer.startSpan('span', spanOptions(index))
        span.setAttributes({ a: 1 })
        span.addEvent('event', undefined, START)
        span.setStatus({ code: 'ok' })
        span.end(START + 1)
      }
      await expectThrown(async () => tracer.flush?.(), 'The flush of a tracer that cannot write')
    },
  },
  {
    id: 'failure.odd-values',
    behaviour: 'Times and attributes that are no numbers throw nothing, and the span is written.',
    async run(subject, context) {
      const place = await subject.place(context)
      const tracer = place.open()
      const span = tracer.startSpan('odd', spanOptions(1, { startTime: Number.NaN, attributes: { a: Number.POSITIVE_INFINITY } }))
      span.setAttributes({ b: [1, Number.NaN] })
      span.end(Number.NEGATIVE_INFINITY)
      await tracer.flush?.()
      expectEqual(namesOf(await place.spans()), ['odd'], 'The spans')
    },
  },
]
