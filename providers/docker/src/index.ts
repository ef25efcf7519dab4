/** Sandboxes in Docker containers. */
export { docker } from './docker.ts'
export type { DockerBuild, DockerOptions } from './options.ts'
