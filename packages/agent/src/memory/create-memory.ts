import type { Database } from '../history/database.ts';
import type { Embed } from './ask-embeddings.ts';
import { embedLocally, LOCAL_DIMENSIONS, LOCAL_SPACE } from './embed-locally.ts';
import { fuseRanks, type Ranked } from './fuse-ranks.ts';
import { keepFact, label } from './keep-facts.ts';
import type { Fact, Memory, Recalled, RecallOptions } from './memory.ts';
import { createModelVectors } from './model-vectors.ts';
import { salience } from './salience.ts';
import { scopeOf } from './scope-of-query.ts';
import { searchWords } from './search-words.ts';
import { openVectorSpace } from './vector-space.ts';

export const MOST_FACTS = 200_000;
const MOST_RECALLED = 50;
/** Candidates of each list. */
const CANDIDATES = 100;
/** Facts whose text and use are looked at before the best are chosen. */
const CONSIDERED = 60;
const QUERY_CHARS = 2000;
/** What a list weighs in the fusion. */
const WEIGHTS = { model: 0.7, local: 0.4, words: 0.5, scoped: 0.3 } as const;
/**
 * How far salience moves a fact: it may decide between facts that fit about as well, and never hide one that fits
 * well, as a plain product does (decision 0020 has the figures).
 */
const SALIENCE_POWER = 0.05;
const CONSTRAINTS = 100;

/** What one agent remembers, in its own database. `embedding`: the model whose vectors are used where it answers. */
export function createMemory(options: {
  database: Database;
  embedding?: { model: string; embed: Embed };
  /** Unix time in milliseconds. */
  now: () => number;
  log: (error: unknown) => void;
  mostFacts?: number;
}): Memory {
  const { database, embedding, now, log, mostFacts = MOST_FACTS } = options;
  const local = openVectorSpace(database, LOCAL_SPACE);
  const model = embedding && createModelVectors({ database, ...embedding, now, log });
  const keep = { database, local, model: model?.space, now, mostFacts };
  /** Accesses since they were last written: a write to disk for each search would cost more than the search. */
  const accessed = new Map<number, number>();

  const search = async (query: string, among: ReadonlySet<number> | undefined, signal: AbortSignal) => {
    const lists: Ranked[] = [];
    const facts = Number(database.read('SELECT max(id) AS id FROM facts')[0]?.id ?? -1) + 1;
    const near = local.nearest(embedLocally(query), CANDIDATES, among);
    lists.push({
      facts: near.filter(({ similarity }) => similarity >= byChance(facts)).map(({ fact }) => fact),
      weight: WEIGHTS.local,
    });
    lists.push({ facts: searchWords(database, query, facts, CANDIDATES, among), weight: WEIGHTS.words });
    const found = await model?.nearest(query, CANDIDATES, among, signal);
    if (found && 'near' in found)
      lists.push({ facts: found.near.map(({ fact }) => fact), weight: WEIGHTS.model });
    return { lists, notice: found && 'notice' in found ? found.notice : undefined };
  };

  const load = (ids: readonly number[]) => {
    const fades = Number(database.read('SELECT fades FROM memory_state')[0]?.fades ?? 0);
    return database
      .read('SELECT * FROM facts WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(ids))
      .map((row) => ({
        fact: toFact(row),
        salience: salience(
          {
            accesses: Number(row.accesses),
            accessedAt: Number(row.accessed_at),
            fades: fades - Number(row.fades_before),
          },
          now(),
        ),
      }));
  };

  const recall = async (query: string, asked: RecallOptions): Promise<Recalled> => {
    const text = query.slice(0, QUERY_CHARS);
    const limit = Math.min(MOST_RECALLED, Math.max(1, asked.limit ?? 10));
    const signal = asked.signal ?? new AbortController().signal;
    const named = scopeOf(database, text, { category: label(asked.category), scope: label(asked.scope) });
    const whole = await search(text, undefined, signal);
    const lists = [...whole.lists];
    if (named.facts) {
      const scoped = await search(text, named.facts, signal);
      lists.push(...scoped.lists.map((list) => ({ ...list, weight: list.weight * WEIGHTS.scoped })));
    }
    const scores = fuseRanks(lists);
    const best = [...scores].sort(([, a], [, b]) => b - a).slice(0, CONSIDERED);
    const first = (id: number) => (named.asked && named.facts?.has(id) ? 1 : 0);
    const facts = load(best.map(([id]) => id))
      .map(({ fact, salience: present }) => ({
        fact,
        score: first(fact.id) + (scores.get(fact.id) ?? 0) * present ** SALIENCE_POWER,
      }))
      .sort((a, b) => b.score - a.score || b.fact.id - a.fact.id)
      .slice(0, limit)
      .map(({ fact }) => fact);
    for (const { id } of facts) accessed.set(id, (accessed.get(id) ?? 0) + 1);
    model?.tend();
    return { facts, ...(whole.notice === undefined ? {} : { notice: whole.notice }) };
  };

  return {
    remember(facts) {
      try {
        return database.transaction(() => facts.map((fact) => keepFact(keep, fact)));
      } catch (error) {
        local.release();
        model?.space.release();
        throw error;
      } finally {
        model?.tend();
      }
    },
    recall: (query, asked = {}) => recall(query, asked),
    constraints: () =>
      database
        .read(
          `SELECT * FROM facts WHERE category = 'constraint' AND trusted = 1 ORDER BY id DESC LIMIT ?`,
          CONSTRAINTS,
        )
        .map(toFact)
        .reverse(),
    list: ({ category, scope, key, limit = 10 }) =>
      database
        .read(
          `SELECT * FROM facts WHERE (?1 = '' OR category = ?1) AND (?2 = '' OR scope = ?2) AND (?3 = '' OR key = ?3)
           ORDER BY trusted DESC, at DESC, id DESC LIMIT ?4`,
          label(category),
          label(scope),
          label(key),
          Math.min(MOST_RECALLED, Math.max(1, limit)),
        )
        .map(toFact),
    fade() {
      database.transaction(() => {
        database.write('UPDATE memory_state SET fades = fades + 1');
        for (const [id, times] of accessed) {
          database.write(
            `UPDATE facts SET accesses = accesses + ?, accessed_at = ?,
               fades_before = (SELECT fades FROM memory_state) WHERE id = ?`,
            times,
            now(),
            id,
          );
        }
      });
      accessed.clear();
    },
    async release() {
      local.release();
      await model?.release();
    },
  };
}

/**
 * How near the nearest of so many facts are without having anything in common: vectors of independent texts have a
 * similarity around 0 with a standard deviation of 1/√dimensions, and the largest of n grows with √(2 ln n).
 */
function byChance(facts: number): number {
  return Math.sqrt((2 * Math.log(Math.max(20, facts) / 5)) / LOCAL_DIMENSIONS);
}

function toFact(row: Record<string, unknown>): Fact {
  return {
    id: Number(row.id),
    text: String(row.text),
    category: String(row.category),
    scope: String(row.scope),
    key: String(row.key),
    trusted: row.trusted === 1,
    source: String(row.source),
    messageId: String(row.message_id),
    traceId: String(row.trace_id),
    at: String(row.at),
  };
}
