import type { Case } from '../scenario.ts'
import { a1 } from './a1.ts'
import { a2 } from './a2.ts'
import { b1 } from './b1.ts'
import { b2 } from './b2.ts'
import { b3 } from './b3.ts'
import { c1 } from './c1.ts'
import { c2 } from './c2.ts'
import { d1 } from './d1.ts'
import { d1Docker } from './d1-docker.ts'
import { d2 } from './d2.ts'
import { d3 } from './d3.ts'
import { d3Docker } from './d3-docker.ts'
import { d4 } from './d4.ts'
import { e1 } from './e1.ts'
import { e1Docker } from './e1-docker.ts'
import { e2 } from './e2.ts'
import { e2Docker } from './e2-docker.ts'
import { g, gDocker } from './g.ts'
import { h } from './h.ts'
import { i } from './i.ts'

/** Sandboxes of this machine, the loop, the import. */
const HERE: readonly Case[] = [a1, ...b1, c1, ...d1, d2, d3, d4, ...e1, ...e2, ...g, ...h, i]

/** Containers. They come last, so that no engine runs beside the others. */
const IN_CONTAINERS: readonly Case[] = [...a2, ...b2, b3, c2, ...d1Docker, d3Docker, ...e1Docker, ...e2Docker, ...gDocker]

/** Every case, in the order of the table. */
export const CASES: readonly Case[] = [...HERE, ...IN_CONTAINERS]

export const IDS: readonly string[] = [...new Set(CASES.map(({ id }) => id))]
