import type { Profile } from '@ringfence/core'
import { local } from '@ringfence/provider-local'
import { expect, test } from 'vitest'
import { policiesOf } from '../src/commands/policies.ts'
import { runCli, temporary } from './run-cli.ts'

const LIMITS = ['limits.memoryBytes', 'limits.processes', 'limits.cpus', 'limits.cpuSeconds', 'limits.fileBytes']

test('what of a policy can be held follows from the profile', () => {
  const profile: Profile = local().profile
  expect(policiesOf({ ...profile, limits: ['memoryBytes'] }, 'process')).toEqual({
    can: ['minimumIsolation up to "process"', 'egress "none"', 'egress "open"', 'limits.memoryBytes'],
    cannot: ['egress to a list of hosts', 'limits.processes', 'limits.cpus', 'limits.cpuSeconds', 'limits.fileBytes'],
  })
  expect(policiesOf({ ...profile, egress: { ...profile.egress, open: false } }, 'process').cannot).toContain('egress "open"')
  const open = policiesOf({ ...profile, egress: { tier: 'none', enforcedBy: 'nothing', open: 'all' } }, 'none')
  expect(open.cannot).toEqual(['egress "none"', 'egress to a list of hosts'])
  expect(open.can).toEqual(['minimumIsolation up to "none"', 'egress "open"', ...profile.limits.map((name) => `limits.${name}`)])
})

test('doctor tries each provider for real; where there is no engine, it says the line that mends it', async () => {
  await using folder = await temporary()
  const env = { DOCKER_HOST: `unix://${folder.path}/no-engine.sock` }
  const { code, stdout, events } = await runCli(['doctor', '--json'], { env })
  expect(code, stdout).toBe(0)
  expect(events.flatMap(({ type, name, ok }) => (type === 'check' ? [[name, ok]] : []))).toEqual([
    ['node', true],
    ['git', true],
    ['model', true],
  ])
  const policies = { can: expect.arrayContaining(['egress "none"', ...LIMITS]), cannot: ['egress to a list of hosts'] }
  expect(events.find(({ id }) => id === 'local')).toMatchObject({ usable: true, isolation: 'process', ...policies })
  const docker = {
    usable: false,
    isolation: 'container',
    code: 'sandbox.unavailable',
    hint: expect.stringContaining('apt-get install docker.io'),
  }
  expect(events.find(({ id }) => id === 'docker')).toMatchObject({ ...docker, ...policies })

  const one = await runCli(['doctor', '--provider', 'docker'], { env })
  expect(one.code, one.stdout).toBe(3)
  expect(one.stdout).toMatch(
    /no {2}docker: No Docker engine[\s\S]*apt-get install docker.io[\s\S]*could enforce: minimumIsolation up to "container"/,
  )
  expect(one.stdout).not.toContain('local:')
}, 240_000)

test('doctor and providers tell of one that is broken, and look at the others', async () => {
  const broken = await runCli(['doctor', '-p', 'local', '--provider-options', '{"nothing": 1}'])
  expect([broken.code, broken.stderr]).toEqual([2, expect.stringContaining('"nothing"')])
  const { code, stdout } = await runCli(['providers'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/docker +container +closed or open/)
  expect(stdout).toMatch(/local +process +closed or open/)
})
