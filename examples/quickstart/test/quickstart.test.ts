import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { modelServer } from '@ringfence/testkit'
import { expect, test } from 'vitest'

const COUNT = `awk -F, 'NR > 1 { n[$1] += $3 } END { for (r in n) print n[r], r }' churn.csv | sort -rn | head -1`

test('the program of the README answers from the file', async () => {
  let seen = ''
  await using server = await modelServer({
    respond({ input }) {
      const last = input.at(-1)
      if (last?.type !== 'tool_result') return { toolCalls: [{ name: 'exec_command', arguments: { cmd: COUNT } }] }
      seen = typeof last.output === 'string' ? last.output : ''
      const [, count, region] = /^(\d+) (\w+)$/m.exec(seen) ?? []
      return { text: `The ${region} lost most: ${count} customers. I ran: ${COUNT}` }
    },
  })
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, OPENAI_API_KEY: 'key-of-the-example', OPENAI_BASE_URL: server.baseURL }
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', '--conditions=@ringfence/source', 'src/main.ts'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env,
  })
  expect(seen).toContain('Process exited with code 0')
  expect(stdout).toContain('The south lost most: 109 customers.')
})
