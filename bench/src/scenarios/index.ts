import type { Case } from '../scenario.ts'
import { a1 } from './a1.ts'
import { b1 } from './b1.ts'
import { c1 } from './c1.ts'
import { d1 } from './d1.ts'
import { d2 } from './d2.ts'
import { d3 } from './d3.ts'
import { d4 } from './d4.ts'
import { e1 } from './e1.ts'
import { e2 } from './e2.ts'
import { h } from './h.ts'
import { i } from './i.ts'

/** Every case, in the order of the table. */
export const CASES: readonly Case[] = [a1, ...b1, c1, ...d1, d2, d3, d4, ...e1, ...e2, ...h, i]

export const IDS: readonly string[] = [...new Set(CASES.map(({ id }) => id))]
