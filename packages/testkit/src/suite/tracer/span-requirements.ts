import type { SpanStatus } from '@ringfence/core'
import { expectEqual, expectTrue, failCheck } from '../../assert/assert.ts'
import type { Requirement } from '../requirement.ts'
import { START, spanOptions, TRACE_ID, type TracerPlace, type TracerSubject, type WrittenSpan } from './subject.ts'

/** The one span of a place. */
async function onlySpan(place: TracerPlace): Promise<WrittenSpan> {
  const spans = await place.spans()
  expectEqual(spans.length, 1, 'The number of spans')
  return spans[0] ?? failCheck('There is no span')
}

export const spanRequirements: readonly Requirement<TracerSubject>[] = [
  {
    id: 'identity',
    behaviour: 'The tracer tells its contract and its id.',
    async run(subject, context) {
      const { specificationVersion, name } = (await subject.place(context)).open()
      expectEqual(specificationVersion, 'tracer-v1', 'The specification version')
      expectTrue(/^[a-z0-9-]+$/.test(name), `The name "${name}" is no id of a plugin`)
    },
  },
  {
    id: 'span.fields',
    behaviour: 'A span is written with its ids, its name and its times.',
    async run(subject, context) {
      const place = await subject.place(context)
      const tracer = place.open()
      tracer.startSpan('exec "npm test"\nä€😀', spanOptions(0xabcdef)).end(START + 1_234.5)
      await tracer.flush?.()
      const { traceId, spanId, parentSpanId, name, startTime, endTime } = await onlySpan(place)
      expectEqual(
        { traceId, spanId, parentSpanId, name, startTime, endTime },
        {
          traceId: TRACE_ID,
          spanId: '0000000000abcdef',
          parentSpanId: undefined,
          name: 'exec "npm test"\nä€😀',
          startTime: START,
          endTime: START + 1_234.5,
        },
        'The span',
      )
    },
  },
  {
    id: 'span.parent',
    behaviour: 'A span below another names it, whichever of them ends first.',
    async run(subject, context) {
      const place = await subject.place(context)
      const tracer = place.open()
      const parent = tracer.startSpan('parent', spanOptions(1))
      const inner = tracer.startSpan('inner', spanOptions(2, { parentSpanId: spanOptions(1).spanId }))
      const outliving = tracer.startSpan('outliving', spanOptions(3, { parentSpanId: spanOptions(1).spanId }))
      inner.end(START + 1)
      parent.end(START + 2)
      outliving.end(START + 3)
      await tracer.flush?.()
      const parents = Object.fromEntries((await place.spans()).map(({ name, parentSpanId }) => [name, parentSpanId]))
      const { spanId } = spanOptions(1)
      expectEqual(parents, { inner: spanId, parent: undefined, outliving: spanId }, 'The parents')
    },
  },
  {
    id: 'span.attributes',
    behaviour: 'Attributes of every type are kept; a later one of a name replaces the earlier; `undefined` is left out.',
    async run(subject, context) {
      const place = await subject.place(context)
      const tracer = place.open()
      const span = tracer.startSpan('span', spanOptions(1, { attributes: { a: 'first', b: 1, gone: undefined } }))
      span.setAttributes({ a: 'second', c: true, 'gen_ai.usage.input_tokens': 12 })
      span.setAttributes({ list: ['x', 'y'], numbers: [1, 2.5], flags: [true, false], empty: '', a: undefined })
      span.end(START + 1)
      await tracer.flush?.()
      expectEqual(
        { ...(await onlySpan(place)).attributes },
        {
          a: 'second',
          b: 1,
          c: true,
          'gen_ai.usage.input_tokens': 12,
          list: ['x', 'y'],
          numbers: [1, 2.5],
          flags: [true, false],
          empty: '',
        },
        'The attributes',
      )
    },
  },
  {
    id: 'span.copies',
    behaviour: 'What the caller changes after a call does not change the span.',
    async run(subject, context) {
      const place = await subject.place(context)
      const tracer = place.open()
      const list = ['x']
      const attributes: Record<string, string | readonly string[]> = { a: 'before', list }
      const span = tracer.startSpan('span', spanOptions(1, { attributes }))
      attributes.a = 'after'
      list.push('y')
      span.end(START + 1)
      await tracer.flush?.()
      expectEqual({ ...(await onlySpan(place)).attributes }, { a: 'before', list: ['x'] }, 'The attributes')
    },
  },
  {
    id: 'span.events',
    behaviour: 'Events are kept in their order, with their times and attributes.',
    async run(subject, context) {
      const place = await subject.place(context)
      const tracer = place.open()
      const span = tracer.startSpan('span', spanOptions())
      span.addEvent('second in time', { n: 1 }, START + 20)
      span.addEvent('first in time', undefined, START + 10)
      span.end(START + 30)
      await tracer.flush?.()
      expectEqual(
        (await onlySpan(place)).events.map(({ name, time, attributes }) => ({ name, time, attributes: { ...attributes } })),
        [
          { name: 'second in time', time: START + 20, attributes: { n: 1 } },
          { name: 'first in time', time: START + 10, attributes: {} },
        ],
        'The events',
      )
    },
  },
  {
    id: 'span.status',
    behaviour: 'The last status counts, an error with its message; without one it is `unset`.',
    async run(subject, context) {
      const place = await subject.place(context)
      const tracer = place.open()
      const statuses: readonly (readonly SpanStatus[])[] = [[], [{ code: 'ok' }], [{ code: 'ok' }, { code: 'error', message: 'It broke' }]]
      for (const [index, list] of statuses.entries()) {
        const span = tracer.startSpan(`span ${index}`, spanOptions(index + 1))
        for (const status of list) span.setStatus(status)
        span.end(START + 1)
      }
      await tracer.flush?.()
      const found = [...(await place.spans())].sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ status }) => ({ ...status }))
      expectEqual(found, [{ code: 'unset' }, { code: 'ok' }, { code: 'error', message: 'It broke' }], 'The statuses')
    },
  },
  {
    id: 'span.ends-once',
    behaviour: 'A span is written when it ends, once; calls after its end do nothing.',
    async run(subject, context) {
      const place = await subject.place(context)
      const tracer = place.open()
      tracer.startSpan('never ended', spanOptions(1))
      const span = tracer.startSpan('ended', spanOptions(2))
      span.end(START + 1)
      span.setAttributes({ late: true })
      span.addEvent('late', undefined, START + 2)
      span.setStatus({ code: 'error', message: 'late' })
      span.end(START + 3)
      await tracer.flush?.()
      const { name, endTime, attributes, events, status } = await onlySpan(place)
      expectEqual(
        { name, endTime, attributes: { ...attributes }, events, status: { ...status } },
        { name: 'ended', endTime: START + 1, attributes: {}, events: [], status: { code: 'unset' } },
        'The span',
      )
    },
  },
]
