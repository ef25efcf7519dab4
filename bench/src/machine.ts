import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where a run was made, and with what. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly kernel: string
  readonly fileSystem: string
  readonly node: string
  readonly bubblewrap: string
  readonly engine: string
  readonly peer: string
  /** Processes that wanted to run in the minute before: above the number of cores the machine was busy with something else. */
  readonly load: number
}

function said(program: string, ...args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    // A program that is missing is told as such.
    return 'unknown'
  }
}

/** The version of an installed package, whose package.json need not be exported. */
function versionOf(name: string): string {
  for (let folder = dirname(fileURLToPath(import.meta.resolve(name))); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const manifest: { name?: string; version?: string } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      if (manifest.name === name && manifest.version !== undefined) return manifest.version
    } catch {
      // It lies further up.
    }
  }
  return 'unknown'
}

export function describeMachine(folder: string): Machine {
  const system = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    system: system ?? 'unknown',
    kernel: release(),
    fileSystem: said('df', '--output=fstype', folder).split('\n').at(-1) ?? 'unknown',
    node: process.version,
    bubblewrap: said('bwrap', '--version').replace('bubblewrap ', ''),
    engine: said('dockerd', '--version').replace(/^Docker version ([^,]*).*/, '$1'),
    load: loadavg()[0] ?? Number.NaN,
    peer: `@openai/agents ${versionOf('@openai/agents')}`,
  }
}

/** As one line. */
export function machineLine(machine: Machine): string {
  const { processor, cores, memoryGb, system, kernel, fileSystem, node, bubblewrap, engine, peer, load } = machine
  return `${cores} cores of ${processor}, ${memoryGb} GB; ${system}, Linux ${kernel}, ${fileSystem}; Node ${node}, bubblewrap ${bubblewrap}, Docker ${engine}, ${peer}; load ${load.toFixed(1)} at the begin`
}
