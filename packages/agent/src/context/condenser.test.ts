import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlacedMessage } from '../history/order-turn.ts';
import type { PromptMessage } from '../history/prompt-turn.ts';
import type { ModelStream } from '../model/model-stream.ts';
import { estimateTokens } from '../prompt/estimate-tokens.ts';
import { playModel, say } from '../testing/turn-rig.ts';
import { createCondenser } from './condenser.ts';
import { fitConstraints } from './fit-constraints.ts';
import { renderChunks } from './render-chunks.ts';
import { sentencesOf } from './sentences.ts';
import { spotConstraints } from './spot-constraints.ts';

const signal = new AbortController().signal;
const place = (...messages: PromptMessage[]): PlacedMessage[] =>
  messages.map((message, entry) => ({ messageId: `m${entry}`, seq: 1, entry, message }));
const user = (text: string): PromptMessage => ({ role: 'user', from: 'user', text });
const output = (text: string): PromptMessage => ({
  role: 'tool',
  results: [{ callId: 'c', tool: 'read_file', outcome: 'ok', output: text, durationMs: 0 }],
});

test('each fact has the turn that said it, and the tool where one did', async () => {
  const answer = {
    facts: [
      { n: 1, text: 'one' },
      { n: 2, text: 'two' },
      { n: 9, text: 'nobody' },
    ],
  };
  const condenser = createCondenser(playModel(say(JSON.stringify(answer))).stream);
  const { facts } = await condenser.extract(place(user('Hi.'), output('x')), 10_000, signal);
  assert.deepEqual(facts, [
    { text: 'one', category: '', source: { messageId: 'm0' } },
    { text: 'two', category: '', source: { messageId: 'm1', tool: 'read_file' } },
  ]);
});

test('of an answer that was cut off the facts that are whole are kept', async () => {
  const cut = '{"facts": [{"n": 1, "text": "the first"}, {"n": 1, "text": "the second"}, {"n": 1, "te';
  const { facts } = await createCondenser(playModel(say(cut)).stream).extract(
    place(user('Hi.')),
    10_000,
    signal,
  );
  assert.deepEqual(
    facts.map(({ text }) => text),
    ['the first', 'the second'],
  );
});

test('without a model, people’s statements and what tools state are facts; questions and thanks are not', async () => {
  const failing: ModelStream = async function* fail() {
    const refusal = { code: 'unavailable', rule: 'x', message: 'x', remedy: 'x' } as const;
    yield { type: 'failed', model: '', dialect: '', parts: [], refusal };
  };
  const messages = place(
    user('My flight lands at 18:40 in Porto. Can you book a taxi? Thanks!'),
    output('port = 4711\nok\n'),
    { role: 'user', from: 'researcher', text: 'The password is 1234.' },
  );
  const { facts } = await createCondenser(failing).extract(messages, 10_000, signal);
  assert.deepEqual(
    facts.map(({ text, source }) => [text, source.tool]),
    [
      ['My flight lands at 18:40 in Porto.', undefined],
      ['port = 4711', 'read_file'],
    ],
  );
  const summary = await createCondenser(failing).summarise('Earlier: hello.', messages, 10_000, signal);
  assert.match(summary, /^Earlier: hello\.\n#1 \[user\] My flight .*\n#2 \[result of read_file: ok\]/);
});

test('a summary stays within its bound however long the answer, and goes on from the one before', async () => {
  const model = playModel(say('s'.repeat(100_000)));
  const long = place(...Array.from({ length: 50 }, (_, index) => user(`${index} ${'word '.repeat(400)}`)));
  const summary = await createCondenser(model.stream).summarise('old', long, 8000, signal);
  assert.equal(summary.length, 2400);
  assert.ok(model.requests.length > 5);
  assert.match(JSON.stringify(model.requests[0]?.turns), /<conversation_summary>\\nold/);
  for (const { turns } of model.requests) assert.ok(estimateTokens(JSON.stringify(turns)) < 8000);
});

test('an abort ends it', async () => {
  const gone = AbortSignal.abort(new Error('gone'));
  const stream: ModelStream = async function* wait(_request, given) {
    yield { type: 'routed', model: 'm' };
    given.throwIfAborted();
  };
  await assert.rejects(createCondenser(stream).extract(place(user('Hi.')), 1000, gone), /gone/);
});

test('a record is cut into pieces that fit, none of them empty, nothing of a short message lost', () => {
  const messages = place(user('first'), output('x'.repeat(50_000)), user('last'));
  const chunks = [...renderChunks(messages, 1000)];
  for (const { text } of chunks) assert.ok(text !== '' && estimateTokens(text) <= 1010);
  const all = chunks.map(({ text }) => text).join('\n');
  assert.ok(
    all.includes('#1 [user] first') && all.includes('#3 [user] last') && all.includes('left out here'),
  );
});

test('sentences that say what holds from then on are spotted in many languages, questions are not', () => {
  for (const said of [
    'Never call before nine.',
    'Please always use the metric system',
    'Schreib mir niemals auf Englisch.',
    'Ne partage jamais ce fichier.',
    'Nunca envíes correos sin preguntarme.',
    'Используй только эту папку.',
    'لا ترسل أي شيء بدون إذني.',
    '必ず敬語を使ってください。',
    '항상 존댓말을 써 주세요.',
    'कभी भी ईमेल मत भेजो।',
  ])
    assert.deepEqual(spotConstraints([{ messageId: 'm', text: said }]), [said]);
  for (const said of ['Is it always like that?', 'The train leaves at eight.', 'Danke schön!'])
    assert.deepEqual(spotConstraints([{ messageId: 'm', text: said }]), []);
});

test('of a long text that was pasted only its start and its end are what a person said', () => {
  const pasted = `Look at this. ${'Never mind the line. '.repeat(5000)}That is all.`;
  const sentences = sentencesOf(pasted);
  assert.ok(sentences.length < 400);
  assert.equal(sentences[0], 'Look at this.');
  assert.equal(sentences.at(-1), 'That is all.');
});

test('where there is no room for all, what the model took for one too goes first, then the newest', () => {
  const all = Array.from({ length: 200 }, (_, index) => ({
    text: `Rule ${String(index).padStart(3, '0')} says to do only this.`,
    sure: index === 0,
  }));
  const kept = fitConstraints(all, 2000);
  assert.equal(kept[0], all[0]?.text);
  assert.equal(kept.at(-1), all.at(-1)?.text);
  assert.ok(kept.length > 10 && kept.length < 40);
  assert.deepEqual(kept, kept.toSorted());
});
