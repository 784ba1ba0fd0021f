import { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '../../packages/agent/src/history/open-database.ts';
import { createMemory } from '../../packages/agent/src/memory/create-memory.ts';
import { indexWords } from '../../packages/agent/src/memory/search-words.ts';
import { openVectorSpace } from '../../packages/agent/src/memory/vector-space.ts';
import { beginTurn } from '../../packages/agent/src/testing/measure-recall.ts';
import type { MemorySet } from '../../packages/agent/src/testing/read-memory-set.ts';
import { madeFacts } from './made-facts.ts';
import { MODEL, madeVector } from './made-vectors.ts';

const AT_ONCE = 1000;

/**
 * Writes `agent.db` with the labelled facts among made ones, a vector for each as if of a model, and beside it `plain`,
 * a bare FTS5 table of the same texts.
 */
export function buildMemory(path: string, set: MemorySet, facts: number): void {
  const database = openDatabase(path);
  beginTurn(database, 'made', 'made');
  const memory = createMemory({ database, now: Date.now, log: console.error });
  const all = [
    ...madeFacts(set, facts - set.facts.length),
    ...set.facts.map((fact) => ({ ...fact, source: { messageId: 'made' } })),
  ];
  for (let from = 0; from < all.length; from += AT_ONCE) memory.remember(all.slice(from, from + AT_ONCE));
  const space = openVectorSpace(database, `model/${MODEL}`);
  for (let from = 0; from < all.length; from += AT_ONCE)
    database.transaction(() => {
      for (let fact = from; fact < Math.min(all.length, from + AT_ONCE); fact += 1)
        space.put(fact, madeVector(String(fact)));
    });
  database.write('UPDATE facts SET space = ?', space.id);
  database.close();

  using plain = new DatabaseSync(path);
  plain.exec("CREATE VIRTUAL TABLE plain USING fts5(words, content = '', tokenize = 'ascii'); BEGIN");
  const insert = plain.prepare('INSERT INTO plain (rowid, words) VALUES (?, ?)');
  for (const [index, { text }] of all.entries()) insert.run(index, indexWords(text));
  plain.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
}
