import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { socketPaths } from '@openlegion/contract/installation';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { createSystemClock } from '../clock.ts';
import { fixtureConfig, startFixture } from '../test/host-fixture.ts';
import { createGatewayClient } from './gateway-client.ts';
import { createKeeperClient } from './keeper-client.ts';
import { FAKE_PROVIDER } from './test/fake-vault.ts';
import { policyOf, providersOf } from './vault-policy.ts';

test('the keeper is told who may call what, with patterns resolved, and again after it was away', async () => {
  await using fixture = await startFixture({});
  const policy = policyOf(fixtureConfig());
  assert.deepEqual(policy.agents.find(({ name }) => name === 'alice')?.apis, ['llm']);
  assert.deepEqual(policy.agents.find(({ name }) => name === 'carol')?.apis, []);
  while (fixture.vault.policies.length < 1) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(fixture.vault.policies[0], policy);
  const before = fixture.vault.policies.length;
  fixture.vault.dropKeeper();
  while (fixture.vault.policies.length === before) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(fixture.vault.policies.at(-1), policy);
});

test('a pattern in allowed_apis reaches the keeper as what it covers, never as a pattern', () => {
  const config = fixtureConfig();
  const alice = config.agents.get('alice');
  assert.ok(alice);
  for (const [patterns, apis] of [
    [['*'], ['llm', 'web_search', 'vault']],
    [['l*'], ['llm']],
    [['brave_*'], []],
    [['web_search'], ['web_search']],
    [[], []],
  ] as const) {
    const changed = { ...alice, permissions: { ...alice.permissions, allowed_apis: [...patterns] } };
    const policy = policyOf({ ...config, agents: new Map([['alice', changed]]) });
    assert.deepEqual(policy.agents[0]?.apis, apis);
  }
});

test('a provider of the operator’s own, a change to a known one, and one without an address', () => {
  const llm = MeshConfig.parse({
    llm: {
      providers: {
        'my-box': {
          base_url: 'http://127.0.0.1:1234/v1/',
          key: 'none',
          models: { m: { input_usd_per_million: 0.5, output_usd_per_million: 1 } },
        },
        scripted: { models: { extra: { input_usd_per_million: 1, output_usd_per_million: 2 } } },
        'other.one': { base_url: 'https://x.example/v1', key: 'x-api-key', dialect: 'anthropic' },
        nowhere: {},
      },
    },
  });
  const { providers, missing } = providersOf({ mesh: llm, agents: new Map(), extraRootsPem: null }, [
    FAKE_PROVIDER,
  ]);
  assert.deepEqual(missing, ['nowhere']);
  assert.deepEqual(
    providers.map(({ id, baseUrl, dialect, auth, models }) => ({
      id,
      baseUrl,
      dialect,
      auth,
      models: models.map((model) => model.id),
    })),
    [
      {
        id: 'my-box',
        baseUrl: 'http://127.0.0.1:1234/v1',
        dialect: 'openai-chat',
        auth: undefined,
        models: ['m'],
      },
      {
        id: 'scripted',
        baseUrl: FAKE_PROVIDER.baseUrl,
        dialect: 'openai-chat',
        auth: undefined,
        models: ['extra', '*'],
      },
      {
        id: 'other.one',
        baseUrl: 'https://x.example/v1',
        dialect: 'anthropic',
        auth: { header: 'x-api-key', scheme: 'raw', credential: 'OPENLEGION_SYSTEM_OTHER_ONE_API_KEY' },
        models: [],
      },
    ],
  );
  assert.equal(providers[0]?.models[0]?.price.input, 500_000);
});

test('while keeper and gateway are away their clients refuse', async () => {
  const run = mkdtempSync(`${tmpdir()}/olr-`);
  const keeper = createKeeperClient({
    socketPath: socketPaths(run).keeperHost,
    clock: createSystemClock(),
    onConnect: () => {},
  });
  await assert.rejects(keeper.costs(), { code: 'unavailable', rule: 'vault.keeper' });
  keeper.close();
  const gateway = createGatewayClient({ socketPath: socketPaths(run).gateway });
  await assert.rejects(gateway.health(), { code: 'unavailable', rule: 'vault.gateway' });
  rmSync(run, { recursive: true });
});

test('a keeper that answers nonsense is cut off, and what waits is refused', async () => {
  const run = mkdtempSync(`${tmpdir()}/olr-`);
  for (const line of ['nonsense\n', '{"id":"x"}\n', `${'x'.repeat(2_000_000)}`]) {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write(line));
    });
    const path = `${run}/${line.length}.sock`;
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const connected = Promise.withResolvers<void>();
    const keeper = createKeeperClient({
      socketPath: path,
      clock: createSystemClock(),
      onConnect: connected.resolve,
    });
    await connected.promise;
    await assert.rejects(keeper.costs(), { code: 'unavailable' });
    keeper.close();
    server.close();
  }
  rmSync(run, { recursive: true });
});
