import { join } from 'node:path'
import { OpenAIProvider } from '@openai/agents'
import type { JournalStore } from '@ringfence/core'
import { fsJournal, memoryJournal } from '@ringfence/harness'
import { openai } from '@ringfence/model-openai'
import type { Bench } from '../bench.ts'
import { runRawTurns } from '../floors/raw-turns.ts'
import { serveModel } from '../loop/serve.ts'
import { type Called, growth, perTurn } from '../loop/turns.ts'
import { answering, runTurns } from '../ours/run-turns.ts'
import { answeringPeer, runPeerTurns } from '../peer/run-turns.ts'
import { atMost, atMostTimes, type Case, type Goal, type Variant } from '../scenario.ts'

const TURNS = 500
const HTTP_TURNS = 200
const KEY = 'not-needed'

interface Goals {
  readonly memory: Goal
  readonly disk?: Goal
}

function onDisk(bench: Bench): () => JournalStore {
  let runs = 0
  return () => fsJournal({ directory: join(bench.folder, `journal-${runs++}`) })
}

function scripted(bench: Bench, figure: (called: Called) => number, goals: Goals): Variant[] {
  const disk = onDisk(bench)
  const ours = async (journal: JournalStore): Promise<number> => figure(await runTurns(TURNS, answering(TURNS), journal))
  const peer = async (stream: boolean): Promise<number> => figure(await runPeerTurns(TURNS, answeringPeer(TURNS), stream))
  return [
    { name: 'agents, run', role: 'peer', sample: () => peer(false) },
    { name: 'agents, stream', role: 'peer', sample: () => peer(true) },
    { name: 'ringfence, journal in memory', role: 'ours', goal: goals.memory, asserted: true, sample: () => ours(memoryJournal()) },
    { name: 'ringfence, journal on disk', role: 'ours', goal: goals.disk, sample: () => ours(disk()) },
  ]
}

async function overHttp(bench: Bench): Promise<Variant[]> {
  const baseURL = await serveModel(bench, HTTP_TURNS)
  const disk = onDisk(bench)
  const provider = new OpenAIProvider({ apiKey: KEY, baseURL, useResponses: true })
  const peer = await provider.getModel('bench')
  const model = openai('bench', { apiKey: KEY, baseURL })
  const goal = atMostTimes(1, 'agents, run', 'agents, stream')
  const ours = async (journal: JournalStore): Promise<number> => perTurn(await runTurns(HTTP_TURNS, model, journal))
  return [
    { name: 'fetch in a loop', role: 'floor', sample: async () => perTurn(await runRawTurns(HTTP_TURNS, baseURL)) },
    { name: 'agents, run', role: 'peer', sample: async () => perTurn(await runPeerTurns(HTTP_TURNS, peer, false)) },
    { name: 'agents, stream', role: 'peer', sample: async () => perTurn(await runPeerTurns(HTTP_TURNS, peer, true)) },
    { name: 'ringfence, journal in memory', role: 'ours', goal, sample: () => ours(memoryJournal()) },
    { name: 'ringfence, journal on disk', role: 'ours', sample: () => ours(disk()) },
  ]
}

const ROUNDS = { rounds: 5, quickRounds: 3, warmUp: 1, collects: true } as const

/** The loop: what a turn costs, and whether it costs more when others came before. */
export const h: readonly Case[] = [
  {
    id: 'h',
    title: `a turn of ${TURNS}, a model that answers at once`,
    ...ROUNDS,
    setUp: async (bench) => scripted(bench, perTurn, { memory: atMost(0.5) }),
  },
  {
    id: 'h',
    title: `the last 20 turns of ${TURNS} over the first 20`,
    unit: 'x',
    ...ROUNDS,
    setUp: async (bench) => scripted(bench, growth, { memory: atMost(1.2), disk: atMost(1.2) }),
  },
  { id: 'h', title: `a turn of ${HTTP_TURNS}, a model behind HTTP`, ...ROUNDS, setUp: overHttp },
]
