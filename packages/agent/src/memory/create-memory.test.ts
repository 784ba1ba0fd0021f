import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '../history/database.ts';
import { openDatabase } from '../history/open-database.ts';
import { fakeEmbeddings } from '../testing/fake-embeddings.ts';
import { beginTurn } from '../testing/measure-recall.ts';
import { createEmbed } from './ask-embeddings.ts';
import { createMemory } from './create-memory.ts';
import type { Memory } from './memory.ts';

const MEANINGS = [
  ['wife', 'spouse', 'cellist'],
  ['hotel', 'accommodation'],
];
const FACTS = ['Marta is a cellist.', 'The hotel is in Alfama.', 'The printer jams with thick paper.'];

function rig({ dialect = 'openai-chat' as 'openai-chat' | 'google', model = 'p/embed', facts = FACTS } = {}) {
  const database = openDatabase(':memory:');
  beginTurn(database, 'm1', facts.join(' '));
  const mesh = fakeEmbeddings(MEANINGS, dialect);
  let time = Date.parse('2026-01-01');
  const logged: unknown[] = [];
  const open = (name = model) =>
    createMemory({
      database,
      now: () => time,
      log: (error) => logged.push(error),
      embedding: { model: name, embed: createEmbed(mesh, name) },
    });
  const memory = open();
  const remember = (texts: readonly string[]) =>
    memory.remember(texts.map((text) => ({ text, source: { messageId: 'm1' } })));
  remember(facts);
  const pass = (ms: number) => {
    time += ms;
  };
  return { database, mesh, memory, open, remember, pass, logged };
}

const throwing = (error: unknown) => {
  throw error;
};
const first = async (memory: Memory, query: string) => (await memory.recall(query)).facts[0]?.text;
const pending = (database: Database) =>
  Number(database.read('SELECT count(*) AS n FROM facts WHERE space = 0')[0]?.n);

for (const dialect of ['openai-chat', 'google'] as const) {
  test(`finds by meaning with vectors of the model, in the dialect ${dialect}`, async () => {
    const { memory, mesh, database } = rig({ dialect });
    await memory.release();
    assert.equal(pending(database), 0);
    assert.deepEqual(mesh.asked, [FACTS]);
    assert.equal(await first(memory, 'spouse'), FACTS[0]);
    assert.equal(await first(memory, 'accommodation'), FACTS[1]);
    assert.equal(await first(memory, 'spouse'), FACTS[0]);
    assert.deepEqual(mesh.asked.slice(1), [['spouse'], ['accommodation']], 'each query is asked about once');
  });
}

test('a provider that fails is done without, is told of, is left alone for a while and made up for later', async () => {
  const { memory, mesh, database, remember, pass, logged } = rig({ facts: [] });
  mesh.status = 503;
  remember(FACTS);
  await memory.release();
  assert.equal(logged.length, 1);
  assert.equal(pending(database), 3);
  const found = await memory.recall('the printr jams');
  assert.equal(found.facts[0]?.text, FACTS[2]);
  assert.match(found.notice ?? '', /p\/embed/);
  assert.equal(mesh.asked.length, 1, 'it is not asked again at once');

  mesh.status = 200;
  pass(30_001);
  assert.equal((await memory.recall('printer')).notice, undefined);
  await memory.release();
  assert.equal(pending(database), 0);
  assert.equal(await first(memory, 'spouse'), FACTS[0]);
});

test('a model that does not exist any more is a notice, not an error', async () => {
  const { open } = rig();
  const memory = open('p/gone');
  const { facts, notice } = await memory.recall('hotel');
  assert.equal(facts[0]?.text, FACTS[1]);
  assert.match(notice ?? '', /p\/gone gave no vectors/);
  await memory.release();
});

test('another model embeds everything again, and vectors of the one before go', async () => {
  const { database, open, memory, mesh } = rig();
  await memory.release();
  const other = open('p/other');
  await other.recall('hotel');
  await other.release();
  assert.deepEqual(mesh.asked.at(-1), FACTS);
  const names = database.read(
    'SELECT DISTINCT name FROM vectors JOIN vector_spaces ON vector_spaces.id = vectors.id / 4294967296 ORDER BY name',
  );
  assert.deepEqual(
    names.map(({ name }) => name),
    ['local/1', 'model/p/other'],
  );
  assert.equal(await first(other, 'spouse'), FACTS[0]);
  await other.release();
});

test('a text that changes while its vector is on its way does not get it', async () => {
  const database = openDatabase(':memory:');
  const asked: string[] = [];
  const change = () =>
    memory.remember([{ text: 'The pool is called Mar.', key: 'name', source: { messageId: 'm1' } }]);
  const memory = createMemory({
    database,
    now: Date.now,
    log: throwing,
    embedding: {
      model: 'p/embed',
      embed: async (texts) => {
        asked.push(...texts);
        if (asked.length === 1) change();
        return texts.map(() => [1, 0, 0, 0, 0, 0, 0, 1]);
      },
    },
  });
  memory.remember([{ text: 'The hotel is called Sol.', key: 'name', source: { messageId: 'm1' } }]);
  await memory.release();
  assert.deepEqual(asked, ['The hotel is called Sol. name', 'The pool is called Mar. name']);
  assert.equal(pending(database), 0);
});

test('a cancelled turn gets the signal’s reason', async () => {
  const { memory } = rig();
  const aborted = new AbortController();
  aborted.abort(new Error('cancelled'));
  await assert.rejects(memory.recall('hotel', { signal: aborted.signal }), /cancelled/);
  await memory.release();
});

test('of facts that fit alike the one that was used comes first, and one that fits better is never hidden', async () => {
  const database = openDatabase(':memory:');
  let time = Date.parse('2026-01-01');
  const memory = createMemory({ database, now: () => time, log: throwing });
  const source = { messageId: 'm1' };
  memory.remember([
    { text: 'Kestrel alpha meets in the room Curie', source },
    { text: 'Kestrel gamma meets in the room Noether', source },
  ]);
  assert.equal(await first(memory, 'Kestrel meets'), 'Kestrel gamma meets in the room Noether');
  for (let turn = 0; turn < 20; turn += 1) {
    await memory.recall('alpha Curie', { limit: 1 });
    memory.fade();
    time += 1000;
  }
  assert.equal(await first(memory, 'Kestrel meets'), 'Kestrel alpha meets in the room Curie');
  assert.equal(await first(memory, 'gamma Noether'), 'Kestrel gamma meets in the room Noether');
});

test('facts of the category or scope that is asked for come first, and others follow', async () => {
  const database = openDatabase(':memory:');
  const memory = createMemory({ database, now: Date.now, log: throwing });
  const source = { messageId: 'm1' };
  memory.remember([
    { text: 'The invoice is due on Monday', scope: 'Globex', category: 'finance', source },
    { text: 'The invoice is due on Tuesday', scope: 'Acme', category: 'finance', source },
    { text: 'The invoice is due on Friday', category: 'Preference', source },
  ]);
  const texts = async (query: string, options = {}) =>
    (await memory.recall(query, options)).facts.map(({ text }) => text.slice(22));
  assert.equal((await texts('invoice due', { scope: 'acme' }))[0], 'Tuesday');
  assert.equal((await texts('invoice due', { scope: 'acme' })).length, 3);
  assert.equal((await texts('invoice due', { category: 'preference' }))[0], 'Friday');
  assert.equal((await texts('when is the invoice of globex due'))[0], 'Monday');
  assert.equal((await texts('preferences for invoices'))[0], 'Friday', 'a word that names a category');
  assert.equal((await texts('invoice', { limit: 1 })).length, 1);
  assert.deepEqual(
    memory.list({ category: 'FINANCE' }).map(({ scope }) => scope),
    ['acme', 'globex'],
  );
});

test('finds nothing where nothing has to do with it, and takes any query', async () => {
  const { memory } = rig({ model: 'p/gone' });
  const none = async (query: string) => assert.deepEqual((await memory.recall(query)).facts, [], query);
  for (const query of ['', ' … ', '"', '* OR NEAR(', 'zzzz qqqq', '\u0000']) await none(query);
  await memory.recall('printer '.repeat(100_000));
  await memory.recall('会'.repeat(100_000));
  await memory.release();
});
