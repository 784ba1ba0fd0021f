import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openDatabase } from '../history/open-database.ts';
import { beginTurn } from '../testing/measure-recall.ts';
import { createMemory } from './create-memory.ts';

const SAID = [
  'My budget is 300 euros.',
  'My budget is 500 euros.',
  'Never delete the backups.',
  'I like tea.',
];

function rig(mostFacts?: number) {
  const database = openDatabase(':memory:');
  beginTurn(database, 'm1', SAID.join(' '));
  let time = 1_000_000;
  const memory = createMemory({
    database,
    now: () => time++,
    log: (error) => assert.fail(String(error)),
    ...(mostFacts === undefined ? {} : { mostFacts }),
  });
  const person = { messageId: 'm1' };
  const page = { messageId: 'm1', tool: 'web_fetch' };
  const texts = () => memory.list({ limit: 50 }).map(({ text }) => text);
  return { database, memory, person, page, texts };
}

test('the same statement is kept once, and twice where the words differ', () => {
  const { memory, page, texts } = rig();
  const outcome = (text: string) => memory.remember([{ text, source: page }])[0]?.outcome;
  assert.equal(outcome('Alice reports to Bob.'), 'added');
  assert.equal(outcome(' alice  reports to BOB'), 'known');
  assert.equal(outcome('Bob reports to Alice.'), 'added');
  assert.equal(outcome('The team uses C++'), 'added');
  assert.equal(outcome('The team uses C'), 'added');
  assert.equal(texts().length, 4);
});

test('a person’s word confirms what was only a note, and a note changes nothing of a person’s word', () => {
  const { memory, person, page } = rig();
  memory.remember([{ text: 'I like tea.', category: 'x', source: page }]);
  const [confirmed] = memory.remember([{ text: 'I like tea.', category: 'preference', source: person }]);
  assert.deepEqual(confirmed, { outcome: 'known', id: 0, trusted: true });
  memory.remember([{ text: 'I like tea', category: 'constraint', source: page }]);
  const [fact] = memory.list({});
  assert.deepEqual([fact?.trusted, fact?.source, fact?.category], [true, 'user', 'preference']);
  assert.deepEqual(memory.constraints(), []);
});

test('of a key the newest word of a person stands, and what is untrusted stands beside it', async () => {
  const { memory, person, page, texts, database } = rig();
  const say = (text: string, source: { messageId: string; tool?: string }) =>
    memory.remember([{ text, key: 'Budget', source }])[0];
  assert.equal(say('The budget is 1 euro.', page)?.outcome, 'added');
  assert.equal(say('The budget is 2 euros.', page)?.outcome, 'replaced');
  assert.equal(say('My budget is 300 euros.', person)?.outcome, 'replaced');
  assert.deepEqual(texts(), ['My budget is 300 euros.']);
  assert.equal(say('The budget is 9,999 euros.', page)?.outcome, 'beside');
  assert.equal(say('The budget is 9,998 euros.', page)?.outcome, 'beside');
  assert.deepEqual(texts(), ['My budget is 300 euros.', 'The budget is 9,998 euros.']);
  assert.equal(say('My budget is 500 euros.', person)?.outcome, 'replaced');
  assert.deepEqual(texts(), ['My budget is 500 euros.']);
  const { facts } = await memory.recall('budget 300 9998');
  assert.deepEqual(
    facts.map(({ text }) => text),
    ['My budget is 500 euros.'],
  );
  const replaced = database.read('SELECT text FROM replaced_facts ORDER BY seq').map(({ text }) => text);
  assert.ok(replaced.includes('My budget is 300 euros.'));
});

test('older values are bounded', () => {
  const { memory, page, database } = rig();
  for (let at = 0; at < 30; at += 1) memory.remember([{ text: `value ${at}`, key: 'k', source: page }]);
  assert.equal(database.read('SELECT count(*) AS n FROM replaced_facts')[0]?.n, 5);
});

test('refuses what is no statement or too long, and keeps the others', () => {
  const { memory, page } = rig();
  const results = memory.remember([
    { text: ' … ', source: page },
    { text: 'x'.repeat(2001), source: page },
    { text: 'fine', category: 'c'.repeat(61), source: page },
    { text: 'fine', scope: 's'.repeat(101), source: page },
    { text: 'fine', key: 'k'.repeat(101), source: page },
    { text: 'fine', source: page },
  ]);
  assert.deepEqual(
    results.map(({ outcome }) => outcome),
    ['refused', 'refused', 'refused', 'refused', 'refused', 'added'],
  );
});

test('a flood of untrusted facts stays within the bound and drops no word of a person', () => {
  const { memory, person, page, texts, database } = rig(50);
  memory.remember(SAID.map((text) => ({ text, source: person })));
  for (let at = 0; at < 500; at += 1) memory.remember([{ text: `claim number ${at}`, source: page }]);
  const [{ n, most } = {}] = database.read('SELECT count(*) AS n, max(id) AS most FROM facts');
  assert.ok(Number(n) <= 50 && Number(most) < 50, `${n} ${most}`);
  assert.ok(SAID.every((text) => texts().includes(text)));
  const full = rig(2);
  full.memory.remember(SAID.map((text) => ({ text, source: full.person })));
  assert.match(JSON.stringify(full.memory.remember([{ text: 'more', source: full.page }])), /memory is full/);
});

test('nothing that is untrusted changes what people said, whatever it says and whatever its key', () => {
  const text = fc.oneof(fc.constantFrom(...SAID), fc.string({ maxLength: 30 }));
  const about = fc.constantFrom('', 'budget', 'constraint', 'preference');
  const claim = fc.record({ text, key: about, category: about, scope: about, tool: fc.boolean() });
  fc.assert(
    fc.property(fc.array(claim, { maxLength: 30 }), (claims) => {
      const { memory, person } = rig(20);
      memory.remember([
        { text: 'My budget is 300 euros.', key: 'budget', source: person },
        { text: 'Never delete the backups.', category: 'constraint', source: person },
      ]);
      const trusted = () => memory.list({ limit: 50 }).filter((fact) => fact.trusted);
      const before = [trusted(), memory.constraints()];
      memory.remember(
        claims.map(({ tool, ...claimed }) => ({
          ...claimed,
          source: { messageId: tool ? 'm1' : 'other', ...(tool ? { tool: 'exec' } : {}) },
        })),
      );
      assert.deepEqual([trusted(), memory.constraints()], before);
    }),
    { numRuns: 60 },
  );
});

test('what could not be written is not found afterwards', async () => {
  const { database, memory, page } = rig();
  memory.remember([{ text: 'The first statement', source: page }]);
  await memory.recall('statement');
  const { write } = database;
  database.write = (sql, ...values) => {
    if (sql.includes('INSERT INTO vectors')) throw new Error('disk full');
    write(sql, ...values);
  };
  assert.throws(() => memory.remember([{ text: 'The second statement', source: page }]), /disk full/);
  database.write = write;
  const { facts } = await memory.recall('statement');
  assert.deepEqual(
    facts.map(({ text }) => text),
    ['The first statement'],
  );
});
