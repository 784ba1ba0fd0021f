import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CatalogProvider } from '@openlegion/contract/catalog';
import { fetchModelsDev } from './fetch-models-dev.ts';
import { parseModelsDev } from './models-dev.ts';
import { refreshChanges } from './refresh-changes.ts';

const model = (cost: object, over: object = {}) => ({ cost, limit: { context: 1000, output: 100 }, ...over });
const GOOD = model({ input: 0.4, output: 1.6 });
const parseOne = (value: unknown, name = 'm') =>
  parseModelsDev({ other: { models: { ok: GOOD } }, openai: { models: { [name]: value } } })
    .get('openai')
    ?.get(name);

test('prices, cache, audio and tiers of both forms are read', () => {
  assert.deepEqual(
    parseOne(model({ input: 0.4, output: 1.6, reasoning: 3, cache_read: 0.1, input_audio: 2 })),
    {
      context_tokens: 1000,
      max_output_tokens: 100,
      input_usd_per_million: 0.4,
      output_usd_per_million: 3,
      cache_read_usd_per_million: 0.1,
      audio_input_usd_per_million: 2,
    },
  );
  const tier = { above_input_tokens: 200_000, input_usd_per_million: 2, output_usd_per_million: 5 };
  const over = { input: 1, output: 4, context_over_200k: { input: 2, output: 5 } };
  assert.deepEqual(parseOne(model(over))?.tiers, [tier]);
  const tiers = [{ input: 2, output: 5, tier: { type: 'context', size: 200_000 } }];
  assert.deepEqual(parseOne(model({ input: 1, output: 4, tiers }))?.tiers, [tier]);
});

test('what cannot be priced by tokens of text, or not for certain, is left out', () => {
  const left: [unknown, string?][] = [
    [model({ input: 0, output: 0 })],
    [model({ input: 0, output: 0 }), 'm-free-trial'],
    [model({ input: -1, output: 1 })],
    [model({ input: '1', output: 1 })],
    [model({ input: 1001, output: 1 })],
    [model({ input: 1 })],
    [model({ input: 1, output: 0 })],
    [model({ input: 1, output: 4, context_over_200k: { input: 2 } })],
    [model({ input: 1, output: 4, context_over_lots: { input: 2, output: 5 } })],
    [model({ input: 1, output: 4, tiers: [{ input: 2, output: 5, tier: { type: 'hour', size: 3 } }] })],
    [model({ input: 1, output: 4 }, { modalities: { output: ['text', 'image'] } })],
    [model({ input: 1, output: 4 }, { limit: { context: 0, output: 1 } })],
    [{ limit: { context: 1, output: 1 } }],
    [null],
    [GOOD, '$(id)'],
    [GOOD, 'a\nb'],
    [GOOD, '../m'],
  ];
  for (const [value, name] of left)
    assert.equal(parseOne(value, name), undefined, JSON.stringify([value, name]));
  assert.ok(parseOne(model({ input: 0, output: 0 }), 'm:free'));
  assert.equal(parseOne(model({ input: 1, output: 0 }), 'text-embedding')?.max_output_tokens, 1);
});

test('a document that is no such list is refused as a whole', () => {
  for (const document of [null, [], 'x', {}, { error: 'gone' }, { openai: { models: {} } }])
    assert.throws(() => parseModelsDev(document), JSON.stringify(document));
});

const answering = (body: string | Error, init?: ResponseInit) => async () => {
  if (body instanceof Error) throw body;
  return new Response(body, init);
};
const offline = new TypeError('fetch failed', {
  cause: Object.assign(new Error('x'), { code: 'ENOTFOUND' }),
});
const elsewhere = new TypeError('fetch failed', { cause: new Error('unexpected redirect') });

test('no list: a clear error that quotes nothing of what came, and nothing else happens', async () => {
  const cases: [typeof fetch, RegExp][] = [
    [answering(offline), /no connection \(ENOTFOUND\)/],
    [answering(elsewhere), /another address/],
    [answering('<html>Log in</html>'), /is no such list/],
    [answering('{"openai":{}}'), /no provider in it/],
    [answering('no', { status: 503 }), /status 503/],
    [answering('x'.repeat(65 * 1024 * 1024)), /larger than 64 MiB/],
  ];
  for (const [get, message] of cases)
    await assert.rejects(fetchModelsDev('https://list.example/api.json', get), {
      code: 'upstream_failed',
      message,
    });
});

test('only https, or this machine; no redirect', async () => {
  const asked: unknown[] = [];
  const get: typeof fetch = async (_url, init) => {
    asked.push(init?.redirect);
    return Response.json({ openai: { models: { m: GOOD } } });
  };
  for (const from of [
    'http://list.example',
    'file:///etc/passwd',
    'ftp://x',
    'list',
    'http://127.0.0.1.evil.example',
  ])
    await assert.rejects(fetchModelsDev(from, get), { code: 'bad_request' }, from);
  assert.deepEqual(asked, []);
  for (const from of ['https://list.example/a', 'http://127.0.0.1:9/a']) await fetchModelsDev(from, get);
  assert.deepEqual(asked, ['error', 'error']);
});

const KNOWN = [
  {
    id: 'openai',
    models: [
      {
        id: 'gpt-x',
        contextTokens: 5000,
        maxOutputTokens: 500,
        price: { input: 400_000, output: 1_600_000, cacheRead: 100_000 },
        aliases: ['gpt-x-2026-01-01'],
      },
    ],
  },
  {
    id: 'ollama',
    models: [{ id: '*', contextTokens: 9, maxOutputTokens: 9, price: { input: 0, output: 0 } }],
  },
  { id: 'together', models: [] },
].map((one) =>
  CatalogProvider.parse({ name: one.id, dialect: 'openai-chat', baseUrl: 'https://p.example', ...one }),
);

const changesFor = (cost: object, names = ['openai/gpt-x']) =>
  refreshChanges(names, KNOWN, parseModelsDev({ openai: { models: { 'gpt-x': model(cost) } } }));

test('what is as it was is no change; what differs is shown before and after, and keeps its limits', () => {
  assert.deepEqual(changesFor({ input: 0.4, output: 1.6, cache_read: 0.1 }), { changes: [], missing: [] });
  const { changes } = changesFor({ input: 0.8, output: 1.6 });
  assert.deepEqual(changes[0]?.lines, [
    '- openai/gpt-x: 0.40 in, 1.60 out, 0.10 cached',
    '+ openai/gpt-x: 0.80 in, 1.60 out',
  ]);
  assert.equal(changes[0]?.entry.context_tokens, 5000);
  assert.ok(changes[0] && 'cache_read_usd_per_million' in changes[0].entry, 'the old cache price must go');
});

test('a model that had no price gets one; local servers and what the list lacks are left alone', () => {
  const source = parseModelsDev({ togetherai: { models: { 'Org/New': GOOD } } });
  const names = ['together/Org/New', 'together/gone', 'ollama/qwen3', 'nobody/x'];
  const { changes, missing } = refreshChanges(names, KNOWN, source);
  assert.deepEqual(missing, ['together/gone', 'nobody/x']);
  assert.deepEqual(
    changes.map(({ provider, model: name, entry }) => [provider, name, entry.context_tokens]),
    [['together', 'Org/New', 1000]],
  );
  assert.match(changes[0]?.lines[0] ?? '', /no price is known/);
});
