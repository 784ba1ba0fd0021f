import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Database } from '../history/database.ts';
import type { Embed } from './ask-embeddings.ts';
import { vectorId } from './vector-id.ts';
import { type Near, openVectorSpace, type VectorSpace } from './vector-space.ts';

const ASK_MS = 8000;
const BATCH = 64;
/** So many batches of older facts at a time: a new model is not paid for all of a large memory in one turn. */
const BATCHES = 8;
/** How long a provider that failed is not asked again. */
const AWAY_MS = 30_000;
const REMEMBERED_QUERIES = 16;

/** Vectors that a model makes, as far as its provider has given them. */
export interface ModelVectors {
  space: VectorSpace;
  /** Near facts, or why they cannot be had now. Rejects only with the reason of `signal`. */
  nearest(
    query: string,
    count: number,
    among: ReadonlySet<number> | undefined,
    signal: AbortSignal,
  ): Promise<{ near: Near[] } | { notice: string }>;
  /** Goes on, in the background, to embed what has no vector of this model yet. */
  tend(): void;
  /** Stops that after what is under way, and gives memory back. */
  release(): Promise<void>;
}

export function createModelVectors(options: {
  database: Database;
  model: string;
  embed: Embed;
  now: () => number;
  log: (error: unknown) => void;
}): ModelVectors {
  const { database, model, embed, now, log } = options;
  const space = openVectorSpace(database, `model/${model}`);
  const queries = new Map<string, number[]>();
  let away: { until: number; why: string } | undefined;
  let tending = Promise.resolve();
  let queued = false;
  let othersMayBe = true;
  let stopping = false;

  const ask = async (texts: readonly string[], signal: AbortSignal): Promise<number[][]> => {
    try {
      const vectors = await embed(texts, AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]));
      away = undefined;
      return vectors;
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof OpenLegionError ? error.refusal.message : `${model} did not answer`;
      away = { until: now() + AWAY_MS, why };
      throw error;
    }
  };

  const embedPending = async (): Promise<void> => {
    for (let batch = 0; batch === 0 || (batch < BATCHES && !stopping); batch += 1) {
      if (away && now() < away.until) return;
      const facts = database
        .read(
          // Two ranges of the index: what is unequal would be looked for in all facts.
          `SELECT id, text, category, scope, key FROM facts WHERE space < ?1
           UNION ALL SELECT id, text, category, scope, key FROM facts WHERE space > ?1 LIMIT ?2`,
          space.id,
          BATCH,
        )
        .map((row) => ({ id: Number(row.id), text: textOf(row), row }));
      if (facts.length === 0) return dropOthers();
      const vectors = await ask(
        facts.map(({ text }) => text),
        new AbortController().signal,
      );
      keep(facts, vectors);
    }
  };

  /** Signatures of models before this one, once no fact has a vector of theirs. */
  const dropOthers = () => {
    if (!othersMayBe) return;
    othersMayBe = false;
    database.write(
      "DELETE FROM signatures WHERE space IN (SELECT id FROM vector_spaces WHERE name LIKE 'model/%' AND id <> ?)",
      space.id,
    );
  };

  const keep = (facts: readonly { id: number; text: string }[], vectors: readonly number[][]): void => {
    try {
      database.transaction(() => {
        for (const [index, { id, text }] of facts.entries()) {
          const row = database.read('SELECT * FROM facts WHERE id = ?', id)[0];
          // Meanwhile it may have got another text, which this vector is not of.
          if (row === undefined || textOf(row) !== text) continue;
          space.put(id, vectors[index] ?? []);
          database.write('DELETE FROM vectors WHERE id = ?', vectorId(Number(row.space), id));
          database.write('UPDATE facts SET space = ? WHERE id = ?', space.id, id);
        }
      });
    } catch (error) {
      space.release();
      throw error;
    }
  };

  return {
    space,
    async nearest(query, count, among, signal) {
      let vector = queries.get(query);
      if (vector === undefined) {
        if (away && now() < away.until) return { notice: away.why };
        try {
          [vector] = await ask([query], signal);
        } catch {
          signal.throwIfAborted();
          return { notice: away?.why ?? `${model} did not answer` };
        }
        if (vector === undefined) return { notice: `${model} did not answer` };
        queries.set(query, vector);
        const [oldest] = queries.keys();
        if (queries.size > REMEMBERED_QUERIES && oldest !== undefined) queries.delete(oldest);
      }
      return { near: space.nearest(vector, count, among) };
    },
    tend() {
      stopping = false;
      if (queued) return;
      queued = true;
      tending = tending
        .then(() => {
          queued = false;
          return embedPending();
        })
        .catch(log);
    },
    async release() {
      stopping = true;
      await tending;
      space.release();
      queries.clear();
    },
  };
}

function textOf(row: Record<string, unknown>): string {
  return [row.text, row.category, row.scope, row.key].filter((part) => part !== '').join(' ');
}
