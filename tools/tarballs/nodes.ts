import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runTool, tail } from '../checks/lib/tool.ts'
import { CACHE } from '../setup.mjs'

/** The Nodes that packages have to run on. */
const MAJORS = [20, 22, 24]

/** A Node to try packages on; `path` is missing where it could not be installed, and `reason` says why. */
export interface NodeBinary {
  readonly label: string
  readonly path?: string
  readonly reason?: string
}

/** This Node, and the others from their npm packages, which stay in the cache. */
export async function findNodes(): Promise<NodeBinary[]> {
  const own = Number(process.versions.node.split('.')[0])
  const nodes: NodeBinary[] = [{ label: `Node ${process.versions.node}`, path: process.execPath }]
  for (const major of MAJORS) if (major !== own) nodes.push(await installNode(major))
  return nodes
}

async function installNode(major: number): Promise<NodeBinary> {
  const folder = join(CACHE, `node-${major}`)
  const path = join(folder, 'node_modules/node/bin/node')
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: { node: `^${major}.0.0` } }))
    const result = await runTool('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder })
    if (result.code !== 0 || !existsSync(path))
      return { label: `Node ${major}`, reason: `npm could not install node@${major}: ${tail(result, 3)}` }
  }
  const { code, stdout, stderr } = await runTool(path, ['--version'], { cwd: folder })
  if (code !== 0) return { label: `Node ${major}`, reason: `it does not run: ${stderr.trim()}` }
  return { label: `Node ${stdout.trim().replace(/^v/, '')}`, path }
}
