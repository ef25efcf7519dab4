import type { Workspace } from '@ringfence/workspace'
import type { PeerSession } from '../../peer/open-peer.ts'
import { NAME, type Writing } from './file-contents.ts'

export function writingOfOurs(workspace: Workspace, bytes: Buffer): Writing {
  return {
    write: () => workspace.writeFile(NAME, bytes),
    readBack: () => workspace.readFile(NAME),
    remove: () => workspace.remove(NAME),
  }
}

export function writingOfPeer(session: PeerSession, bytes: Buffer): Writing {
  return {
    write: () => session.materializeEntry({ path: NAME, entry: { type: 'file', content: bytes } }),
    readBack: () => session.readFile({ path: NAME }),
    remove: async () => void (await session.exec({ cmd: `rm ${NAME}`, login: false })),
  }
}
