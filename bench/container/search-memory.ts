/*
 * Runs in a container: asks a memory and, by turns, a bare FTS5 table of the same texts, and prints what each query
 * took. Before each, a pause in which the processor's share fills up again, as between the turns of an agent; then the
 * same without pauses.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { openDatabase } from '../../packages/agent/src/history/open-database.ts';
import { createMemory } from '../../packages/agent/src/memory/create-memory.ts';
import { tokenise } from '../../packages/agent/src/memory/tokenise.ts';
import { MODEL, madeVector } from '../memory-search/made-vectors.ts';

const [path = '', queriesText = '[]', pauseText = '200'] = process.argv.slice(2);
const parsed: unknown = JSON.parse(queriesText);
const queries = Array.isArray(parsed) ? parsed.map(String) : [];
const database = openDatabase(path);
const common = { database, now: Date.now, log: console.error };
const memory = createMemory(common);
const embed = async (texts: readonly string[]) => texts.map(madeVector);
const withModel = createMemory({ ...common, embedding: { model: MODEL, embed } });
const sql = 'SELECT rowid FROM plain WHERE plain MATCH ? ORDER BY rank LIMIT 10';

const timed = async (run: () => Promise<unknown> | unknown): Promise<number> => {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
};
const recall = (query: string, of = memory) => timed(() => of.recall(query, { limit: 10 }));
const bare = (query: string) => {
  const words = [...new Set(tokenise(query).map(({ text }) => `"${text}"`))];
  return timed(() => database.read(sql, words.join(' OR ')));
};

const first = await recall(queries[0] ?? '');
for (const query of queries.slice(0, 20)) {
  await recall(query);
  await bare(query);
}
const results = {
  first,
  recall: [] as number[],
  bare: [] as number[],
  busy: [] as number[],
  model: [] as number[],
  memoryBytes: 0,
};
for (const query of queries) {
  await wait(Number(pauseText));
  results.recall.push(await recall(query));
  await wait(Number(pauseText));
  results.bare.push(await bare(query));
}
for (const query of queries) results.busy.push(await recall(query));
const { external, heapUsed } = process.memoryUsage();
results.memoryBytes = external + heapUsed;
for (const query of queries.slice(0, 20)) await recall(`${query} `, withModel);
for (const query of queries) {
  await wait(Number(pauseText));
  results.model.push(await recall(query, withModel));
}
await memory.release();
await withModel.release();
process.stdout.write(JSON.stringify(results));
