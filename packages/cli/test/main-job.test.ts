import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { file } from '@ringfence/core'
import { local } from '@ringfence/provider-local'
import { openWorkspace } from '@ringfence/workspace'
import { expect, test } from 'vitest'
import { brainServer, modelEnv } from './brain-server.ts'
import { everything, git, repository, runCli, temporary } from './run-cli.ts'

const OTHER_BUG = {
  'package.json': '{ "type": "module", "private": true }\n',
  'lib/clamp.js':
    'export function clamp(value, low, high) {\n  if (value < low) return low\n  if (value > high) return low\n  return value\n}\n\nexport function middle(list) {\n  return list[Math.ceil(list.length / 2)]\n}\n',
  'test/clamp.test.js': `import assert from 'node:assert/strict'\nimport { test } from 'node:test'\nimport { middle } from '../lib/clamp.js'\ntest('middle of an odd list', () => { assert.equal(middle([1, 2, 3]), 2); assert.equal(middle([5]), 5) })\n`,
}

test('the bundled example goes from a failing test to a passing one, and shows each part', async () => {
  await using home = await temporary()
  const { code, stdout } = await runCli(['run'], { env: { RINGFENCE_HOME: home.path } })
  expect(code, stdout).toBe(0)
  const parts = [
    'What runs where',
    'harness',
    'sandbox',
    'embedded',
    'denied: reading',
    'manifest.entries',
    'denied: connecting',
    'policy.egress',
    'not ok',
    'Patch',
    'exit 0',
    'Check',
    'Diff',
    'usage',
    'journal',
    'snapshot',
    'Next',
  ]
  for (const part of parts) expect(stdout).toContain(part)
  expect(stdout).not.toContain('\u001b')
})

test('the nonce that the failing test prints is in the second request of the model', async () => {
  await using home = await temporary()
  await using server = await brainServer()
  const { code, stdout } = await runCli(['run', '--model', 'other'], { env: { RINGFENCE_HOME: home.path, ...modelEnv(server) } })
  expect(code, stdout).toBe(0)
  const nonce = /nonce_[a-z0-9]+/.exec(stdout)?.[0] ?? 'missing'
  expect(server.requests[0]?.body).not.toContain(nonce)
  expect(server.requests[1]?.body).toContain(`run ${nonce}`)
})

test('another repository, broken in another way, is mended; it is untouched without --apply, and patched with it', async () => {
  await using folder = await temporary()
  await using server = await brainServer()
  const repo = await repository(join(folder.path, 'repo'), OTHER_BUG)
  const args = ['run', '--repo', repo, '--task', 'Mend the failing test.', '--model', 'other', '--check', 'node --test', '--json']
  const env = { RINGFENCE_HOME: join(folder.path, 'home'), ...modelEnv(server) }
  const first = await runCli(args, { env })
  expect(first.code, first.stdout + first.stderr).toBe(0)
  expect(git(repo, 'status', '--porcelain')).toBe('')
  const patch = await readFile(String(first.events.at(-1)?.patchFile), 'utf8')

  await using fresh = await openWorkspace({
    sandbox: local(),
    manifest: { entries: { repo: { type: 'gitRepo', source: repo }, 'the.patch': file(patch) } },
  })
  expect((await fresh.exec('node --test', { cwd: 'repo' })).exitCode).not.toBe(0)
  expect((await fresh.exec('git apply ../the.patch && node --test', { cwd: 'repo' })).exitCode).toBe(0)

  const second = await runCli([...args, '--apply'], { env })
  expect(second.code, second.stdout + second.stderr).toBe(0)
  expect(git(repo, 'diff', '--stat')).toContain('lib/clamp.js')
})

test('without the step that patches, the run ends non-zero', async () => {
  await using home = await temporary()
  await using server = await brainServer((step) => (step.type === 'patch' ? { type: 'answer', text: 'I would change something.' } : step))
  const { code, stdout } = await runCli(['run', '--model', 'other'], { env: { RINGFENCE_HOME: home.path, ...modelEnv(server) } })
  expect(code, stdout).toBe(1)
})

test('with a sandbox that returns garbage, the run ends non-zero and changes nothing', async () => {
  await using home = await temporary()
  const garbage = fileURLToPath(new URL('fixtures/garbage-provider', import.meta.url))
  const { code, stdout, stderr } = await runCli(['run', '--provider', garbage], { env: { RINGFENCE_HOME: home.path } })
  expect([1, 3], stdout + stderr).toContain(code)
  expect(stderr).toMatch(/sandbox\.|exec\.|provider\./)
})

test('a command that waits for approval pauses the run; it goes on in another process', async () => {
  await using home = await temporary()
  const env = { RINGFENCE_HOME: home.path }
  let { code, stdout, events } = await runCli(['run', '--ask', '--json'], { env })
  const runId = String(events.find(({ type }) => type === 'result')?.runId)
  let rounds = 0
  while (code === 4 && rounds < 12) {
    rounds += 1
    ;({ code, stdout, events } = await runCli(['approve', runId, '--json'], { env }))
  }
  expect(code, stdout).toBe(0)
  expect(rounds).toBeGreaterThan(2)
  expect(events.some(({ type, phase }) => type === 'sandbox' && (phase === 'attached' || phase === 'restored'))).toBe(true)
}, 300_000)

test('a rejected command is told to the model, and nothing of it runs', async () => {
  await using home = await temporary()
  const env = { RINGFENCE_HOME: home.path }
  const first = await runCli(['run', '--ask', '--json'], { env })
  const runId = String(first.events.find(({ type }) => type === 'result')?.runId)
  const { code, stdout } = await runCli(['approve', runId, '--reject', 'not on my machine'], { env })
  expect(code, stdout).toBe(1)
  expect(stdout).toContain('cannot make sense')
})

test('secrets of the host reach neither sandbox, model, journal, trace nor snapshot', async () => {
  await using folder = await temporary()
  const token = 'planted-token-1c9d3a7e'
  const repo = await repository(join(folder.path, 'repo'), { ...OTHER_BUG, '.gitignore': '.env\n' })
  git(repo, 'remote', 'add', 'origin', `https://user:${token}@example.invalid/x.git`)
  git(repo, 'config', 'http.extraHeader', `Authorization: ${token}`)
  await import('node:fs/promises').then(({ writeFile }) => writeFile(join(repo, '.env'), `TOKEN=${token}\n`))
  const search = `grep -rc '${token.slice(0, 8)}[-]${token.slice(9)}' . /proc/[0-9]*/environ 2>/dev/null | grep -v ':0$'; env | grep -c planted; ls -a`
  await using server = await brainServer((_step, calls) =>
    calls.length === 0 ? { type: 'exec', command: search } : { type: 'answer', text: calls.at(-1)?.output ?? '' },
  )
  const home = join(folder.path, 'home')
  const { stdout, stderr, code } = await runCli(['run', '--repo', repo, '--task', 'Look.', '--model', 'other', '--json'], {
    env: { RINGFENCE_HOME: home, SOME_TOKEN: token, ...modelEnv(server) },
  })
  expect(code, stdout + stderr).toBe(0)
  expect(stdout).toContain('.gitignore')
  expect(stdout + stderr).not.toContain(token)
  expect(server.requests.map(({ body }) => body).join()).not.toContain(token)
  expect(await everything(home)).not.toContain(token)
  expect(await everything(home)).not.toContain('key-of-the-test')
})

test('Ctrl-C ends the sandbox and the program', async () => {
  await using home = await temporary()
  await using server = await brainServer(() => ({ type: 'exec', command: 'echo begun; sleep 600' }))
  const { code, stderr } = await runCli(['run', '--model', 'other'], {
    env: { RINGFENCE_HOME: home.path, ...modelEnv(server) },
    interruptAt: 'begun; sleep',
  })
  expect(code, stderr).toBe(130)
})
