import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { z } from 'zod';
import { openDatabase } from '../packages/agent/src/history/open-database.ts';
import { createEmbed } from '../packages/agent/src/memory/ask-embeddings.ts';
import { createMemory } from '../packages/agent/src/memory/create-memory.ts';
import { fakeEmbeddings } from '../packages/agent/src/testing/fake-embeddings.ts';
import { measureLabelledSet, measureRecall } from '../packages/agent/src/testing/measure-recall.ts';
import { readMemorySet } from '../packages/agent/src/testing/read-memory-set.ts';
import { NODE_COMMAND } from '../packages/host/src/image/image-recipe.ts';
import { benchAgentCode } from './bench-agent-code.ts';
import { type Bench, type Figure, figure, median, quantile } from './measure.ts';
import { buildMemory } from './memory-search/build-memory.ts';

const FACTS = 100_000;
const CPUS = 0.15;
const PAUSE_MS = 250;
const MEGABYTE = 1_000_000;
const Measured = z.object({
  first: z.number(),
  recall: z.array(z.number()).min(1),
  bare: z.array(z.number()).min(1),
  busy: z.array(z.number()).min(1),
  model: z.array(z.number()).min(1),
  memoryBytes: z.number(),
});

/**
 * What finding facts costs an agent that has 100,000 of them, in a container of an agent's processor share, beside a
 * bare FTS5 query over the same texts; and how good it is, on the labelled set.
 */
export const benchMemorySearch: Bench = async ({ image, progress }) => {
  const set = readMemorySet();
  const directory = mkdtempSync(`${tmpdir()}/openlegion-bench-memory-`);
  try {
    progress(`${FACTS} facts are remembered`);
    const path = `${directory}/agent.db`;
    buildMemory(path, set, FACTS);
    const large = openDatabase(path);
    const among = await measureRecall(
      createMemory({ database: large, now: Date.now, log: console.error }),
      set,
    );
    large.close();
    progress('queries in a container');
    const queries = set.queries.map(({ query }) => query);
    const { first, recall, bare, busy, model, memoryBytes } = await search(image, directory, queries);
    const peer = (value: number) => ({ what: 'bare FTS5 of the same words', value });
    const took = (what: string, value: number, beside: number | null, most?: number): Figure =>
      figure({
        bench: 'memory-search',
        what,
        unit: 'ms',
        value,
        peer: beside === null ? null : peer(beside),
        bound: most === undefined ? null : { of: 'value', most },
      });
    const share = (what: string, value: number, least: number | null): Figure =>
      figure({
        bench: 'memory-search',
        what: `recall@10, ${what}`,
        unit: 'share',
        value,
        peer: null,
        bound: least === null ? null : { of: 'value', least },
      });
    return [
      took(`retrieval of ${FACTS} facts at ${CPUS} CPU, median`, median(recall), median(bare), 20),
      took('the same, 95 of 100', quantile(recall, 0.95), quantile(bare, 0.95)),
      took(
        'with vectors of a model too (1,536 numbers), its answer not counted, median',
        median(model),
        median(bare),
        20,
      ),
      took('the same, one directly after another, median', median(busy), null),
      took('the same, one directly after another, 95 of 100', quantile(busy, 0.95), null),
      took('the first one, which loads the index', first, null),
      figure({
        bench: 'memory-search',
        what: 'heap and buffers with the index loaded',
        unit: 'MB',
        value: memoryBytes / MEGABYTE,
        peer: null,
        bound: null,
      }),
      share('without a model', (await measureLabelledSet(set)).recall, 0.8),
      share('without a model, among all those facts', among.recall, null),
      share('fake embedding model (its wire and table, no real one)', await withFakeModel(), 0.85),
    ];
    async function withFakeModel(): Promise<number> {
      const embed = createEmbed(fakeEmbeddings(set.meanings), 'p/embed');
      return (await measureLabelledSet(set, { model: 'p/embed', embed })).recall;
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

async function search(
  image: string,
  directory: string,
  queries: string[],
): Promise<z.infer<typeof Measured>> {
  writeFileSync(`${directory}/search.mjs`, await benchAgentCode('search-memory.ts'));
  chmodSync(directory, 0o777);
  chmodSync(`${directory}/agent.db`, 0o666);
  const { stdout } = await promisify(execFile)('docker', [
    'run',
    '--rm',
    '--network=none',
    `--cpus=${CPUS}`,
    '--memory=384m',
    `--volume=${directory}:/peer`,
    image,
    ...NODE_COMMAND,
    '/peer/search.mjs',
    '/peer/agent.db',
    JSON.stringify(queries),
    String(PAUSE_MS),
  ]);
  return Measured.parse(JSON.parse(stdout));
}
