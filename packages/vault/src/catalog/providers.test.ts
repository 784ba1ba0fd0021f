import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CatalogProvider } from '@openlegion/contract/catalog';
import { createFakeKeeper } from '../gateway/test/fake-keeper.ts';
import { json, startFakeProvider } from '../gateway/test/fake-provider.ts';
import { MODEL, startGateway, testProvider } from '../gateway/test/start-gateway.ts';
import { ANSWERS } from '../gateway/test/wire-shapes.ts';
import { VaultError } from '../process/vault-error.ts';
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
  const cases = { ...GOOD, models: [MODEL, { ...MODEL, id: 'M', aliases: [] }] };
  assert.throws(() => parseProvider(cases, 'p'), { code: 'bad_request' });
  for (const [name, sent] of [
    ['m', 'm'],
    ['M', 'm'],
    ['m-2026-01-01', 'm-2026-01-01'],
    ['M-2026-01-01', 'm-2026-01-01'],
  ] as const) {
    const found = resolveModel(GOOD, name);
    assert.equal(found.price, MODEL.price, name);
    assert.equal(found.id, sent, 'the name that the provider is sent is one that it knows');
  }
  for (const name of ['m ', 'm:free', 'openai-chat/m', 'm-2026-01-02', '', '*', 'toString', '__proto__'])
    assert.throws(() => resolveModel(GOOD, name), { code: 'not_found', rule: 'llm.model' }, name);
});

test('a model without a price is refused with the command that gives it one, and nothing of an odd name in it', () => {
  const remedyFor = (name: string): string => {
    try {
      resolveModel(GOOD, name);
    } catch (error) {
      assert.ok(error instanceof VaultError);
      return error.remedy;
    }
    return assert.fail('it must be refused');
  };
  assert.match(remedyFor('new'), /openlegion models price openai-chat\/new --input 0\.40 --output 1\.60/);
  for (const name of ['$(id)', 'a;b', 'a\nb', "'"])
    assert.doesNotMatch(remedyFor(name), /models price/, name);
});

test("a provider whose address is the operator's own is refused until it is given", () => {
  const azure = { ...GOOD, id: 'azure', baseUrl: '', configured: true };
  assert.deepEqual(parseProvider(azure, 'p'), azure);
  assert.throws(() => parseProvider({ ...azure, configured: false }, 'p'), { code: 'bad_request' });
  const providers = createProviders([azure]);
  assert.throws(() => providers.provider('azure'), {
    code: 'not_found',
    rule: 'llm.provider.address',
    remedy: /llm\.providers\.azure\.base_url/,
  });
  providers.replaceOwn([{ ...azure, baseUrl: 'https://mine.example/openai/v1' }]);
  assert.equal(providers.provider('azure').baseUrl, 'https://mine.example/openai/v1');
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

test('the provider that this installation runs keeps its socket when its prices change, not its address', () => {
  const scripted = { ...GOOD, id: 'scripted', baseUrl: 'http://localhost/v1' };
  const providers = createProviders([{ ...scripted, socketPath: '/run/s.sock' }]);
  providers.replaceOwn([{ ...scripted, models: [] }]);
  assert.deepEqual(providers.provider('scripted'), { ...scripted, models: [], socketPath: '/run/s.sock' });
  providers.replaceOwn([{ ...scripted, baseUrl: 'http://127.0.0.1:9/v1' }]);
  assert.equal(providers.provider('scripted').socketPath, undefined);
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
