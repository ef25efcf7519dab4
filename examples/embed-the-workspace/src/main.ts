// #region embed
import { file } from '@ringfence/core'
import { local } from '@ringfence/provider-local'
import { memorySnapshots, openWorkspace } from '@ringfence/workspace'

const sandbox = local()
const snapshots = memorySnapshots()
const manifest = { entries: { 'sum.sh': file('awk "{ s += \\$1 } END { print s }" "$@"', { mode: 0o755 }) } }

await using workspace = await openWorkspace({ sandbox, manifest, snapshots, policy: { egress: 'none' } })
await workspace.writeFile('numbers.txt', '19\n23\n')
const { exitCode, stdout } = await workspace.exec('sh ./sum.sh numbers.txt')
console.log(exitCode, stdout.trim())

const from = await workspace.snapshot()
await using second = await openWorkspace({ sandbox, snapshots, from })
console.log(await second.readText('numbers.txt'))
// #endregion
