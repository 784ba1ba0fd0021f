import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CatalogProvider } from '@openlegion/contract/catalog';
import { loadCatalog } from '../../catalog/load-catalog.ts';
import { createFakeKeeper } from '../test/fake-keeper.ts';
import { json, startFakeProvider } from '../test/fake-provider.ts';
import { MODEL, startGateway, testProvider } from '../test/start-gateway.ts';
import { ANSWERS } from '../test/wire-shapes.ts';
import { parseProvider, parseProviderList } from './parse-provider.ts';
import { createProviders, resolveModel } from './providers.ts';

const CHAT = ANSWERS['openai-chat'];
const GOOD = testProvider('openai-chat', 'https://models.example');

test('the hand-written parser takes what the contract takes', () => {
  const refused: unknown[] = [
    null,
    [],
    { ...GOOD, extra: 1 },
    { ...GOOD, id: 'UPPER' },
    { ...GOOD, id: '../x' },
    { ...GOOD, dialect: 'smtp' },
    { ...GOOD, models: [{ ...MODEL, price: { input: -1, output: 1 } }] },
    { ...GOOD, models: [{ ...MODEL, price: { input: 0.5, output: 1 } }] },
    { ...GOOD, models: [{ ...MODEL, price: { input: 1 } }] },
    { ...GOOD, models: [{ ...MODEL, price: { input: '1', output: 1 } }] },
    { ...GOOD, models: [{ ...MODEL, contextTokens: 0 }] },
    { ...GOOD, models: [{ ...MODEL, maxOutputTokens: 1.5 }] },
    { ...GOOD, auth: { header: 'cookie', scheme: 'raw', credential: 'OPENLEGION_SYSTEM_X' } },
    { ...GOOD, auth: { header: 'x-api-key', scheme: 'raw', credential: 'OPENLEGION_CRED_X' } },
  ];
  for (const value of refused) {
    assert.equal(CatalogProvider.safeParse(value).success, false, JSON.stringify(value));
    assert.throws(() => parseProvider(value, 'p'), { code: 'bad_request' });
  }
  assert.deepEqual(parseProvider(GOOD, 'p'), CatalogProvider.parse(GOOD));
});

test('refuses where a key would travel in the clear, or an address that can be read in two ways', () => {
  const urls = [
    'http://models.example/v1',
    'http://169.254.169.254',
    'http://10.0.0.1/v1',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'http://2130706433/v1',
    'http://0x7f.1/v1',
    'http://[::ffff:127.0.0.1]/v1',
    'https://user:pw@models.example',
    'https://models.example/v1?key=1',
    'https://models.example/v1#x',
    'https://models.example/v1/',
    'https://models.example/../v1',
    'https://models.example/%2e%2e/v1',
    'https://MODELS.example/v1',
    'https://models.example:443/v1',
    'ftp://models.example',
    'file:///etc/passwd',
    'unix:/run/x.sock',
    'models.example',
    '',
  ];
  for (const baseUrl of urls)
    assert.throws(() => parseProvider({ ...GOOD, baseUrl }, 'p'), { code: 'bad_request' }, baseUrl);
  for (const baseUrl of [
    'https://models.example',
    'https://models.example:8443/a/v1',
    'http://127.0.0.1:11434/v1',
    'http://[::1]:80'.replace(':80', ':8080'),
    'http://localhost:1234/v1',
  ])
    assert.equal(parseProvider({ ...GOOD, baseUrl }, 'p').baseUrl, baseUrl);
});

test('a Unix socket is set by this installation alone', () => {
  assert.throws(() => parseProvider({ ...GOOD, socketPath: '/var/run/docker.sock' }, 'p'), {
    code: 'bad_request',
  });
});

test('one name has one price', () => {
  const twice = { ...GOOD, models: [MODEL, { ...MODEL, price: { input: 0, output: 0 } }] };
  assert.throws(() => parseProvider(twice, 'p'), { code: 'bad_request' });
  assert.throws(() => parseProviderList({ providers: [GOOD, GOOD] }), { code: 'bad_request' });
  assert.equal(resolveModel(GOOD, 'm'), resolveModel(GOOD, 'm-2026-01-01'));
  for (const name of ['M', 'm ', 'm:free', 'openai-chat/m', 'm-2026-01-02', '', '*', 'toString', '__proto__'])
    assert.throws(() => resolveModel(GOOD, name), { code: 'not_found', rule: 'llm.model' }, name);
});

test('`*` takes any model name, and nothing that is none', () => {
  const local = { ...GOOD, models: [{ ...MODEL, id: '*' }] };
  assert.equal(resolveModel(local, 'qwen3:8b').id, 'qwen3:8b');
  for (const name of ['', '*', 'a b', '../x', 'a\nb', 'x'.repeat(300)])
    assert.throws(() => resolveModel(local, name), { code: 'not_found' });
});

test('the operator changes a provider of the catalog, and taking the change away restores it', () => {
  const providers = createProviders([GOOD]);
  providers.replaceOwn([
    { ...GOOD, baseUrl: 'https://proxy.example' },
    { ...GOOD, id: 'own' },
  ]);
  assert.equal(providers.provider('openai-chat').baseUrl, 'https://proxy.example');
  assert.deepEqual(
    providers.all().map(({ id }) => id),
    ['openai-chat', 'own'],
  );
  providers.replaceOwn([]);
  assert.equal(providers.provider('openai-chat').baseUrl, GOOD.baseUrl);
  assert.throws(() => providers.provider('own'), { code: 'not_found', rule: 'llm.provider' });
});

test('over HTTP: listed, replaced, refused as a whole when one is wrong', async () => {
  await using upstream = await startFakeProvider(json(CHAT.whole));
  await using gateway = await startGateway({ keeper: createFakeKeeper(), catalog: [GOOD] });
  const own = testProvider('openai-chat', upstream.origin, { id: 'own' });
  const put = (body: unknown) => gateway.call('/providers', body, { method: 'PUT' });
  assert.equal((await put({ providers: [own] })).status, 204);
  assert.equal((await gateway.call('own/chat/completions', CHAT.ask)).status, 200);
  assert.equal((await put({ providers: [GOOD, { ...own, baseUrl: 'http://evil.example' }] })).status, 400);
  assert.equal((await put({ providers: [], more: 1 })).status, 400);
  const listed = JSON.parse((await gateway.call('/providers', undefined, { method: 'GET' })).text);
  assert.deepEqual(listed, { providers: [GOOD, own] });
  const unknown = await gateway.call('nobody/chat/completions', CHAT.ask);
  assert.equal(unknown.status, 404);
  assert.match(JSON.parse(unknown.text).error.remedy, /llm\.providers/);
});

test('the catalog is of the contract, and its figures are plausible', () => {
  const catalog = loadCatalog('/run/scripted.sock');
  for (const provider of catalog) {
    assert.deepEqual(CatalogProvider.parse(provider), provider);
    const isLocal = provider.baseUrl.startsWith('http:');
    assert.equal(
      provider.auth === undefined,
      isLocal,
      `${provider.id}: a key exactly where it leaves this machine`,
    );
    for (const model of provider.models) {
      const { input, output, cacheRead = 0 } = model.price;
      const name = `${provider.id}/${model.id}`;
      if (provider.id === 'scripted') assert.deepEqual(model.price, { input: 1_000_000, output: 4_000_000 });
      else if (isLocal) assert.deepEqual(model.price, { input: 0, output: 0 });
      else assert.ok(input > 0 && input <= 100_000_000 && output <= 500_000_000 && cacheRead <= input, name);
      assert.ok(model.maxOutputTokens <= model.contextTokens, name);
      assert.equal(model.id === '*', isLocal, name);
    }
  }
  assert.equal(catalog.find(({ id }) => id === 'scripted')?.socketPath, '/run/scripted.sock');
  for (const id of ['openai', 'openai-responses', 'anthropic', 'google', 'ollama'])
    assert.ok(
      catalog.some((provider) => provider.id === id),
      id,
    );
});
