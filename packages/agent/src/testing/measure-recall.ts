import type { Database } from '../history/database.ts';
import { openDatabase } from '../history/open-database.ts';
import type { Embed } from '../memory/ask-embeddings.ts';
import { createMemory } from '../memory/create-memory.ts';
import type { Memory } from '../memory/memory.ts';
import type { MemorySet } from './read-memory-set.ts';

/** A person's turn that facts of a test can be said in. */
export function beginTurn(database: Database, messageId: string, text: string, sender = 'user'): void {
  database.write(
    `INSERT INTO turns (message_id, session, trace_id, sender, text, status, started_at)
     VALUES (?, 1, ?, ?, ?, 'running', '2026-01-01T00:00:00.000Z')`,
    messageId,
    `trace-${messageId}`,
    sender,
    text,
  );
}

export interface Quality {
  /** Of the facts that answer a query, the share that is among the first ten; the mean over the queries. */
  recall: number;
  /** By kind of query. */
  kinds: ReadonlyMap<string, number>;
  /** Queries of which something was not found. */
  missed: string[];
}

/** Searches for every query of the set in a memory that holds its facts. */
export async function measureRecall(memory: Memory, set: MemorySet): Promise<Quality> {
  const tags = new Map(set.facts.map(({ tag, text }) => [text, tag]));
  const shares = new Map<string, number[]>();
  const missed: string[] = [];
  for (const { kind, query, answers } of set.queries) {
    const { facts } = await memory.recall(query, { limit: 10 });
    const found = new Set(facts.map(({ text }) => tags.get(text)));
    const share = answers.filter((answer) => found.has(answer)).length / answers.length;
    if (share < 1) missed.push(query);
    shares.set(kind, [...(shares.get(kind) ?? []), share]);
  }
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    recall: mean([...shares.values()].flat()),
    kinds: new Map([...shares].map(([kind, values]) => [kind, mean(values)])),
    missed,
  };
}

/** The same of a new memory that holds nothing else, with every vector that a model is to give. */
export async function measureLabelledSet(
  set: MemorySet,
  embedding?: { model: string; embed: Embed },
): Promise<Quality> {
  const database = openDatabase(':memory:');
  beginTurn(database, 'm1', 'the labelled set');
  const memory = createMemory({
    database,
    now: () => Date.parse('2026-01-01'),
    log: (error) => {
      throw error;
    },
    ...(embedding ? { embedding } : {}),
  });
  memory.remember(set.facts.map((fact) => ({ ...fact, source: { messageId: 'm1' } })));
  await memory.release();
  const pending = () => database.read('SELECT 1 FROM facts WHERE space = 0 LIMIT 1').length > 0;
  while (embedding && pending()) {
    await memory.recall('more');
    await memory.release();
  }
  const quality = await measureRecall(memory, set);
  await memory.release();
  database.close();
  return quality;
}
