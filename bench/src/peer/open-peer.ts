import { DockerSandboxClient, Manifest, UnixLocalSandboxClient, type UnixLocalSandboxSession } from '@openai/agents/sandbox/local'
import { type Bench, engineOf } from '../bench.ts'

/** What a session of the peer begins with. */
export type PeerManifest = ConstructorParameters<typeof Manifest>[0]

/** What is used of a session, wherever it is. */
export type PeerSession = Pick<UnixLocalSandboxSession, 'exec' | 'readFile' | 'materializeEntry' | 'close'>

/** One kind of sandboxes that the peer has, and what they are called in the table. */
export interface Peering {
  readonly name: string
  open(bench: Bench, manifest: PeerManifest): Promise<PeerSession>
}

/** Sandboxes of this machine, which isolate nothing. */
export const peerOnThisMachine: Peering = {
  name: 'agents, not isolated',
  open: (bench, manifest) => new UnixLocalSandboxClient({ workspaceBaseDir: bench.folder }).create(new Manifest(manifest)),
}

function inContainers(name: string, network: { networkMode?: 'none' }): Peering {
  return {
    name,
    open: (bench, manifest) =>
      new DockerSandboxClient({ image: engineOf(bench).image, workspaceBaseDir: bench.folder, ...network }).create(new Manifest(manifest)),
  }
}

/** Containers without a network, as those of this project: it is quicker than with one. */
export const peerInContainers: Peering = inContainers('agents', { networkMode: 'none' })

/** Containers as they come when nothing is said. */
export const peerInOpenContainers: Peering = inContainers('agents, with network', {})

/** A session that lives as long as the case. */
export async function keepPeer(bench: Bench, peering: Peering, manifest: PeerManifest = {}): Promise<PeerSession> {
  const session = await peering.open(bench, manifest)
  bench.defer(() => session.close())
  return session
}
