import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { CatalogProvider } from '@openlegion/contract/catalog';
import { ModelName } from '@openlegion/contract/model-name';
import { loadCatalog } from './load-catalog.ts';
import { isLoopback, parseProviderList } from './parse-provider.ts';
import { resolveModel } from './providers.ts';

const FILE = new URL('./catalog.json', import.meta.url);
const CATALOG = loadCatalog('/run/scripted.sock');
const each = CATALOG.flatMap((provider) => provider.models.map((model) => ({ provider, model })));
const providerOf = (id: string) => CATALOG.find((provider) => provider.id === id);

test('at least 100 providers with priced models, as the contract has them', () => {
  assert.ok(CATALOG.length >= 200, `${CATALOG.length}`);
  const priced = CATALOG.filter(({ models }) => models.length > 0);
  assert.ok(priced.length >= 100, `${priced.length} with prices`);
  assert.equal(new Set(CATALOG.map(({ id }) => id)).size, CATALOG.length);
  for (const provider of CATALOG) assert.deepEqual(CatalogProvider.parse(provider), provider);
  const given = CATALOG.map(({ socketPath: _ours, ...provider }) => provider);
  assert.deepEqual(
    parseProviderList({ providers: given }),
    given,
    'what an operator could not write is not in it',
  );
});

test('every address is https, on this machine, or left to the operator', () => {
  for (const { id, baseUrl, configured } of CATALOG) {
    assert.equal(baseUrl === '', configured === true, id);
    if (baseUrl === '') continue;
    const url = new URL(baseUrl);
    assert.ok(url.protocol === 'https:' || isLoopback(url.hostname), id);
    assert.doesNotMatch(baseUrl, /[${}]|\/$|chat\/completions|\/messages/, id);
  }
});

test('a key goes in the header of its dialect, under a name of its provider', () => {
  const headers = {
    'openai-chat': ['authorization', 'api-key'],
    'openai-responses': ['authorization', 'api-key'],
    anthropic: ['x-api-key'],
    google: ['x-goog-api-key'],
  };
  const origins = new Map<string, string>();
  for (const { id, dialect, auth, baseUrl, local } of CATALOG) {
    assert.equal(
      auth === undefined,
      local === true || id === 'scripted',
      `${id}: local servers alone take no key`,
    );
    if (!auth) continue;
    assert.ok(headers[dialect].includes(auth.header), id);
    assert.equal(auth.scheme, auth.header === 'authorization' ? 'bearer' : 'raw', id);
    assert.match(auth.credential, /^OPENLEGION_SYSTEM_[A-Z0-9][A-Z0-9_]*_API_KEY$/, id);
    const origin = baseUrl === '' ? 'own' : new URL(baseUrl).origin;
    assert.equal(origins.get(auth.credential) ?? origin, origin, `${id}: one key, one address`);
    origins.set(auth.credential, origin);
  }
});

test('names: an id or an alias stands for one model, however it is spelled, and a configuration can say it', () => {
  for (const { id, models } of CATALOG) {
    const names = models.flatMap((model) => [model.id, ...(model.aliases ?? [])]);
    assert.equal(new Set(names.map((name) => name.toLowerCase())).size, names.length, id);
    for (const name of names)
      if (name !== '*') assert.ok(ModelName.safeParse(`${id}/${name}`).success, `${id}/${name}`);
  }
  for (const { provider, model } of each.filter((one) => one.model.aliases))
    for (const alias of model.aliases ?? [])
      assert.equal(resolveModel(provider, alias.toUpperCase()).price, model.price, alias);
});

test('limits and prices are possible ones, and nothing is for nothing unless it is local or says so', () => {
  for (const { provider, model } of each) {
    const name = `${provider.id}/${model.id}`;
    assert.equal(model.id === '*', provider.local === true || provider.id === 'scripted', name);
    assert.ok(model.maxOutputTokens <= model.contextTokens, name);
    if (model.imageTokens !== undefined && provider.local !== true)
      assert.ok(model.imageTokens <= model.contextTokens, name);
    const embeds = model.capabilities?.includes('embedding') === true;
    const { tiers = [], ...base } = model.price;
    for (const tier of tiers)
      for (const key of ['cacheRead', 'cacheWrite'] as const)
        if (base[key] !== undefined)
          assert.ok(tier[key] !== undefined, `${name}: a tier has the classes of its base`);
    for (const { input, output, cacheRead = 0, cacheWrite = input } of [base, ...tiers]) {
      assert.ok(cacheRead <= input && cacheWrite >= input, name);
      // o1-pro: $150 and $600 a million, the dearest there has been.
      assert.ok(input <= 150_000_000 && output <= 600_000_000, name);
      const free = provider.local === true || /[:-]free$/.test(model.id);
      assert.equal(input === 0, free, name);
      assert.equal(output === 0, free || (embeds && output === 0), name);
    }
  }
});

test('what is billed by other things than tokens is not among the models', () => {
  const billedOtherwise =
    /sonar|deep-research|search-preview|gpt-image|dall-e|whisper|realtime|\btts\b|(?:^|\/)sora|veo-/;
  for (const { provider, model } of each) assert.doesNotMatch(model.id, billedOtherwise, provider.id);
});

test('the models that templates and examples name are there', () => {
  const templates = new URL('../../../cli/templates/', import.meta.url);
  const named = readdirSync(templates, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.ya?ml$/.test(file))
    .flatMap((file) => [...readFileSync(new URL(file, templates), 'utf8').matchAll(NAMED)])
    .map(([, name = '']) => name);
  const offered = ['openai/gpt-4.1-mini', 'anthropic/claude-haiku-4-5', 'google/gemini-2.5-flash'];
  assert.ok(named.length >= 3);
  for (const name of [...named, ...offered, 'openai/text-embedding-3-small']) {
    const slash = name.indexOf('/');
    const provider = providerOf(name.slice(0, slash));
    assert.ok(provider, name);
    assert.ok(resolveModel(provider, name.slice(slash + 1)), name);
  }
});
/** `provider/model` in quotes, or the value of a key that names a model. */
const NAMED = /(?:model: |")((?:openai|anthropic|google|scripted)\/[A-Za-z0-9._-]+)/g;

test('local servers: the port of each, no key, any model for nothing; the scripted model has its socket', () => {
  const ports = { ollama: 11434, llamacpp: 8080, vllm: 8000, lmstudio: 1234 };
  for (const [id, port] of Object.entries(ports)) {
    const provider = providerOf(id);
    assert.equal(provider?.baseUrl, `http://127.0.0.1:${port}/v1`);
    assert.deepEqual(provider && resolveModel(provider, 'qwen3:8b').price, { input: 0, output: 0 });
  }
  const scripted = providerOf('scripted');
  assert.equal(scripted?.socketPath, '/run/scripted.sock');
  assert.deepEqual(scripted?.models[0]?.price, { input: 1_000_000, output: 4_000_000 });
});

test('a price that depends on the size of the prompt has its tiers', () => {
  const google = providerOf('google');
  assert.deepEqual(google && resolveModel(google, 'gemini-2.5-pro').price, {
    input: 1_250_000,
    output: 10_000_000,
    cacheRead: 125_000,
    tiers: [{ aboveInputTokens: 200_000, input: 2_500_000, output: 15_000_000, cacheRead: 250_000 }],
  });
});

test('one model a line, and a file that a gateway can hold', () => {
  const lines = readFileSync(FILE, 'utf8').split('\n');
  assert.ok(statSync(FILE).size < 2 * 1024 * 1024);
  assert.ok(lines.length > each.length);
  assert.ok(lines.every((line) => line.length < 1000));
});
