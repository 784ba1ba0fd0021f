import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeEmbeddings } from '../testing/fake-embeddings.ts';
import { measureLabelledSet } from '../testing/measure-recall.ts';
import { readMemorySet } from '../testing/read-memory-set.ts';
import { createEmbed } from './ask-embeddings.ts';

test('every query of the labelled set is answered by facts of it', () => {
  const { facts, queries } = readMemorySet();
  const tags = new Set(facts.map(({ tag }) => tag).filter((tag) => tag !== ''));
  assert.equal(tags.size, facts.filter(({ tag }) => tag !== '').length);
  assert.ok(facts.length >= 300 && queries.length >= 60);
  for (const { query, answers } of queries)
    assert.ok(answers.length > 0 && answers.every((answer) => tags.has(answer)), query);
});

test('recall@10 without any model does not fall', async () => {
  const { recall, kinds, missed } = await measureLabelledSet(readMemorySet());
  assert.ok(recall >= 0.84, `${recall}: ${missed.join('; ')}`);
  for (const kind of ['words', 'short', 'typo', 'cjk', 'other']) assert.equal(kinds.get(kind), 1, kind);
});

test('recall@10 with vectors of a provider, here one with a table of meanings, does not fall', async () => {
  const set = readMemorySet();
  const embed = createEmbed(fakeEmbeddings(set.meanings), 'p/embed');
  const { recall, kinds, missed } = await measureLabelledSet(set, { model: 'p/embed', embed });
  assert.ok(recall >= 0.95, `${recall}: ${missed.join('; ')}`);
  assert.ok((kinds.get('paraphrase') ?? 0) >= 0.85);
});
