import { type ExecResult, RingfenceError } from '@ringfence/core'
import { eitherWay } from '../subject.ts'
import { opening, type ProviderMutant, workspace } from './mutate.ts'

const NO_RESULT: ExecResult = {
  opId: 'x',
  exitCode: 0,
  signal: null,
  timedOut: false,
  outputCut: false,
  stdout: '',
  stderr: '',
  truncated: false,
  durationMs: 0,
}

export const lifecycleMutants: readonly ProviderMutant[] = [
  workspace('closed-handles-answer', ['lifecycle.use-after-destroy', 'lifecycle.use-after-release'], (real) => ({
    exec: async (line, options) => (await eitherWay(real.exec(line, options))) ?? NO_RESULT,
  })),
  workspace('destroy-only-once', ['lifecycle.destroy-twice'], (real) => {
    let ended = false
    return {
      destroy: async () => {
        if (ended) throw new RingfenceError('sandbox.closed', 'It was destroyed already')
        ended = true
        await real.destroy()
      },
    }
  }),
  workspace('dispose-forgets', ['lifecycle.dispose-on-throw'], (real) => ({ [Symbol.asyncDispose]: () => real.release() })),
  opening('open-ignores-the-signal', ['lifecycle.aborted-open', 'lifecycle.failed-open-leaves-nothing'], (options) => ({
    ...options,
    signal: undefined,
  })),
  opening('events-kept', ['lifecycle.events'], (options) => ({ ...options, onEvent: undefined })),
  opening('attach-fills-again', ['lifecycle.attach'], ({ resume, ...options }) =>
    resume ? { ...options, manifest: options.manifest } : options,
  ),
]

export const policyMutants: readonly ProviderMutant[] = [
  opening(
    'policy-dropped',
    [
      'policy.isolation.refused',
      'policy.egress.hosts-unsupported',
      'policy.secret.in-file',
      'policy.secret.in-env',
      'policy.secret.redacted',
      'errors.no-secret',
    ],
    ({ policy, ...options }) => {
      if (policy === undefined || Array.isArray(policy)) return options
      const { minimumIsolation, egress } = policy as { minimumIsolation?: 'none'; egress?: 'open' }
      return {
        ...options,
        policy: { ...(minimumIsolation === 'none' ? { minimumIsolation } : {}), ...(egress === 'open' ? { egress } : {}) },
      }
    },
  ),
  {
    id: 'observation-skipped',
    breaks: ['policy.isolation.observed'],
    mutate: (subject) => ({
      ...subject,
      openWorkspace: async () => {
        throw new RingfenceError('policy.denied', 'It was refused, and the sandbox forgotten')
      },
    }),
  },
  workspace('harness-environment-leaks', ['policy.env.harness-absent'], (real) => ({
    exec: (line, options) => real.exec(line, { ...options, env: { ...options?.env, LEAK: process.env.RINGFENCE_CONFORMANCE_PROBE ?? '' } }),
  })),
  workspace('secret-planted', ['policy.secret.stays-out'], (real) => ({
    exec: async (line, options) => {
      await real.writeFile('planted', 'conformance-secret-7f3a9c')
      return real.exec(line, options)
    },
  })),
]
