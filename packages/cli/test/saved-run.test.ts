import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { RunOptions } from '../src/main-job/run-options.ts'
import { fromSavedRun, optionsAgain, toSavedRun } from '../src/main-job/saved-run.ts'
import { everything, runCli, temporary } from './run-cli.ts'

const PROVIDER = fileURLToPath(new URL('fixtures/endpoint-provider', import.meta.url))
const KEY = 'key-for-the-endpoint-5e1f9b'

const OPTIONS: RunOptions = {
  repo: '/srv/project',
  task: 'Mend it.',
  provider: 'acme',
  providerOptions: { endpoint: 'https://one.example', apiKey: KEY },
  model: undefined,
  api: 'responses',
  isDemo: false,
  nonce: undefined,
  check: undefined,
  ask: true,
  apply: false,
  consent: false,
  openNetwork: false,
  maxTurns: 9,
}

/** As it is read from the disk. */
const saved = (options: RunOptions, over: object = {}): unknown => ({
  ...JSON.parse(JSON.stringify(toSavedRun('run_1', options))),
  ...over,
})

const codeOf = (json: unknown, given: Parameters<typeof fromSavedRun>[2]): unknown => {
  try {
    return fromSavedRun('run_1', json, given)
  } catch (error) {
    return error
  }
}

describe('what a run keeps', () => {
  const remote: RunOptions = { ...OPTIONS, repo: 'https://git.example/x.git', provider: '/srv/my-provider' }
  const again = { repo: remote.repo, provider: remote.provider, providerOptions: remote.providerOptions }

  test('names no endpoint, no credential and no code', () => {
    const text = JSON.stringify([saved(OPTIONS), saved(remote)])
    for (const part of ['one.example', KEY, 'git.example', '/srv/my-provider']) expect(text).not.toContain(part)
  })

  test('is whole again with what is given again, in any order of keys', () => {
    const providerOptions = { apiKey: KEY, endpoint: 'https://one.example' }
    expect(fromSavedRun('run_1', saved(OPTIONS), { providerOptions })).toEqual(OPTIONS)
    expect(fromSavedRun('run_1', saved(OPTIONS), { providerOptions, provider: 'acme', repo: '/srv/project' })).toEqual(OPTIONS)
    expect(fromSavedRun('run_1', saved(remote), again)).toEqual(remote)
  })

  test('the line that goes on says what to give, and shows no options', () => {
    expect(optionsAgain(remote)).toEqual([
      '--repo https://git.example/x.git',
      '--provider /srv/my-provider',
      "--provider-options '(as before)'",
    ])
    expect(optionsAgain({ ...OPTIONS, provider: '/srv/my provider', providerOptions: undefined })).toEqual([
      "--provider '/srv/my provider'",
    ])
    expect(optionsAgain({ ...OPTIONS, providerOptions: undefined })).toEqual([])
  })

  test.each([
    ['nothing', OPTIONS, {}, '--provider-options'],
    ['nothing of three', remote, {}, '--repo and --provider and --provider-options'],
    ['other options', OPTIONS, { providerOptions: { endpoint: 'https://two.example', apiKey: KEY } }, 'another --provider-options'],
    ['options of a run without', { ...OPTIONS, providerOptions: undefined }, { providerOptions: {} }, 'with none'],
    ['another provider', OPTIONS, { providerOptions: OPTIONS.providerOptions, provider: 'other' }, 'another --provider,'],
    ['another folder', remote, { ...again, provider: '/srv/evil' }, 'another --provider,'],
    ['another URL', remote, { ...again, repo: 'https://evil.example/x.git' }, 'another --repo'],
    ['another repository', OPTIONS, { providerOptions: OPTIONS.providerOptions, repo: '/srv/other' }, 'another --repo'],
  ])('given %s, it is refused', (_, options, given, message) => {
    expect(codeOf(saved(options), given)).toMatchObject({ code: 'run.changed', message: expect.stringContaining(message) })
  })

  test('the same options of another run have another digest', () => {
    expect(toSavedRun('run_1', OPTIONS).again.providerOptions).not.toBe(toSavedRun('run_2', OPTIONS).again.providerOptions)
  })

  test.each([
    ['options', { providerOptions: { endpoint: 'https://evil.example' } }],
    ['options as text', { providerOptions: '{"endpoint":"https://evil.example"}' }],
    ['a base URL', { baseURL: 'https://evil.example' }],
    ['a key', { apiKey: 'x' }],
    ['a URL as the repository', { repo: 'https://evil.example/x.git' }],
    ['a host as the repository', { repo: 'evil.example:x.git' }],
    ['a folder as the provider', { provider: '/tmp/evil' }],
    ['a relative folder as the provider', { provider: '../evil' }],
    ['more that is given again', { again: { model: 'a'.repeat(64) } }],
    ['no digest', { again: { providerOptions: 'https://evil.example' } }],
    ['no provider', { provider: undefined }],
    ['no repository', { repo: undefined }],
    ['another kind of turns', { maxTurns: 'many' }],
  ])('a file with %s is refused', (_, over) => {
    const { providerOptions } = OPTIONS
    expect(codeOf(saved(OPTIONS, over), { providerOptions })).toMatchObject({
      code: 'config.invalid',
      message: expect.stringContaining('altered'),
    })
  })

  test.each([null, 7, 'text', [], {}])('a file that holds %j is refused', (json) => {
    expect(codeOf(json, {})).toMatchObject({ code: 'config.invalid' })
  })
})

/** A service that notes who comes with what. */
async function service(): Promise<{ url: string; visits: IncomingHttpHeaders[]; [Symbol.asyncDispose](): Promise<void> }> {
  const visits: IncomingHttpHeaders[] = []
  const server = createServer(({ headers }, response) => {
    visits.push(headers)
    response.end('ok')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/`
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()))
  return { url, visits, [Symbol.asyncDispose]: close }
}

test('an altered file of a run sends no key elsewhere; with the same options again the run goes on', async () => {
  await using home = await temporary()
  await using own = await service()
  await using evil = await service()
  const env = { RINGFENCE_HOME: home.path }
  const optionsFor = (endpoint: string): string[] => [
    '--provider',
    PROVIDER,
    '--provider-options',
    JSON.stringify({ endpoint, apiKey: KEY }),
  ]

  const begun = await runCli(['run', '--ask', ...optionsFor(own.url)], { env })
  expect(begun.code, begun.stdout + begun.stderr).toBe(4)
  const runId = /Run (run_\w+)/.exec(begun.stdout)?.[1] ?? 'missing'
  expect(begun.stdout).toContain(`approve ${runId} --provider ${PROVIDER} --provider-options '(as before)'`)
  for (const text of [begun.stdout, begun.stderr, await everything(home.path)]) {
    expect(text).not.toContain(KEY)
    expect(text).not.toContain(own.url)
  }

  const file = join(home.path, 'runs', `${runId}.json`)
  const original = JSON.parse(await readFile(file, 'utf8'))
  const refused: readonly (readonly [string, object, readonly string[], RegExp])[] = [
    ['nothing again', {}, [], /--provider and --provider-options/],
    ['another endpoint', {}, optionsFor(evil.url), /another --provider-options/],
    ['an endpoint in the file', { providerOptions: { endpoint: evil.url, apiKey: KEY } }, optionsFor(own.url), /altered/],
    ['a repository elsewhere', { repo: `${evil.url}x.git` }, optionsFor(own.url), /altered/],
    ['code of the file', { provider: PROVIDER, again: {} }, [], /altered/],
    ['an open network', { openNetwork: true }, optionsFor(own.url), /run.changed[\s\S]*policy/],
    ['another folder', { repo: home.path }, optionsFor(own.url), /run.changed[\s\S]*manifest/],
  ]
  for (const [what, change, args, message] of refused) {
    await writeFile(file, JSON.stringify({ ...original, ...change }))
    const { code, stdout, stderr } = await runCli(['approve', runId, ...args], { env })
    expect([what, code, message.test(stderr)], stdout + stderr).toEqual([what, 2, true])
    expect(stdout + stderr).not.toContain(KEY)
  }
  expect(evil.visits).toEqual([])

  await writeFile(file, JSON.stringify(original))
  const before = own.visits.length
  const { code, stdout, stderr } = await runCli(['approve', runId, ...optionsFor(own.url)], { env })
  expect(code, stdout + stderr).toBe(4)
  expect(own.visits.length).toBeGreaterThan(before)
  expect(own.visits.every(({ authorization }) => authorization === KEY)).toBe(true)
  expect(evil.visits).toEqual([])
}, 300_000)

test('the bundled example stays while a run waits, and is gone when it has ended', async () => {
  await using home = await temporary()
  const env = { RINGFENCE_HOME: home.path }
  const kept = async (): Promise<readonly string[]> => (await readdir(join(home.path, 'runs'))).filter((name) => name.endsWith('.repo'))
  const { stdout, code } = await runCli(['run', '--ask'], { env })
  expect(code, stdout).toBe(4)
  const runId = /Run (run_\w+)/.exec(stdout)?.[1] ?? 'missing'
  expect(await kept()).toEqual([`${runId}.repo`])
  const wrong = await runCli(['approve', runId, '--provider-options', '{}'], { env })
  expect(wrong.code, wrong.stderr).toBe(2)
  expect(await kept()).toEqual([`${runId}.repo`])
  const ended = await runCli(['approve', runId, '--reject', 'not now'], { env })
  expect(ended.code, ended.stdout + ended.stderr).toBe(1)
  expect(await kept()).toEqual([])
})
