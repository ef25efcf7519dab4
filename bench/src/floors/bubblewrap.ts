/** A command in namespaces of its own, with nothing of the host to write to but one folder, where it begins. */
export function bubblewrapped(folder: string, argv: readonly string[]): string[] {
  const view = ['--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--bind', folder, folder, '--chdir', folder]
  return ['bwrap', '--unshare-all', '--die-with-parent', '--new-session', ...view, '--', ...argv]
}
