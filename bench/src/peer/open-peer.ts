import { Manifest, UnixLocalSandboxClient, type UnixLocalSandboxSession } from '@openai/agents/sandbox/local'
import type { Bench } from '../bench.ts'

/** What a session of the peer begins with. */
export type PeerManifest = ConstructorParameters<typeof Manifest>[0]

/** A session of the peer's sandboxes of this machine, which isolate nothing. */
export function openPeer(bench: Bench, manifest: PeerManifest = {}): Promise<UnixLocalSandboxSession> {
  const client = new UnixLocalSandboxClient({ workspaceBaseDir: bench.folder })
  return client.create(new Manifest(manifest))
}

/** A session that lives as long as the case. */
export async function keepPeer(bench: Bench, manifest: PeerManifest = {}): Promise<UnixLocalSandboxSession> {
  const session = await openPeer(bench, manifest)
  bench.defer(() => session.close())
  return session
}
