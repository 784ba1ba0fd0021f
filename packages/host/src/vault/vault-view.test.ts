import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { CatalogProvider } from '@openlegion/contract/catalog';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { createLiveConfig } from '../config/live-config.ts';
import { createManualClock } from '../manual-clock.ts';
import type { GatewayClient, GatewayHealth } from './gateway-client.ts';
import type { KeeperClient } from './keeper-client.ts';
import { createVaultView } from './vault-view.ts';

const MODEL = {
  id: 'm',
  contextTokens: 10,
  maxOutputTokens: 5,
  price: { input: 1_000_000, output: 1_000_000 },
};
const CATALOG = [
  CatalogProvider.parse({
    id: 'p',
    name: 'P',
    dialect: 'openai-chat',
    baseUrl: 'https://p.example',
    models: [MODEL],
  }),
];
const priced = (usd: number) => ({
  mesh: MeshConfig.parse({
    llm: {
      providers: { p: { models: { m: { input_usd_per_million: usd, output_usd_per_million: usd } } } },
    },
  }),
  agents: new Map(),
  extraRootsPem: null,
});
const plain = { mesh: MeshConfig.parse({}), agents: new Map(), extraRootsPem: null };

/** A gateway that keeps what it is given over what it has, as the real one does, and can be slow to tell its health. */
function fakeGateway() {
  let own: CatalogProvider[] = [];
  const gateway = {
    pid: 1,
    asked: 0,
    health: [] as GatewayHealth['models'],
    hold: null as Promise<void> | null,
    restart() {
      gateway.pid += 1;
      own = [];
    },
    client: {
      async health() {
        const { pid, health: models } = gateway;
        await gateway.hold;
        return { ok: true, uid: 0, pid, models };
      },
      async providers() {
        gateway.asked += 1;
        const changed = new Set(own.map(({ id }) => id));
        return [...CATALOG.filter(({ id }) => !changed.has(id)), ...own];
      },
      async putProviders(providers: CatalogProvider[]) {
        own = providers;
      },
      async putEgress() {},
    },
    priceOf: () => own.find(({ id }) => id === 'p')?.models[0]?.price.input ?? null,
  };
  return gateway;
}

function viewOf(gateway: ReturnType<typeof fakeGateway>, first = priced(2)) {
  const config = createLiveConfig(first);
  const clock = createManualClock();
  const keeper: Partial<KeeperClient> = { connected: true, policy: async () => ({ hash: '' }) };
  const view = createVaultView({
    config,
    // Only what a view asks of either.
    keeper: () => keeper as KeeperClient,
    gateway: gateway.client as unknown as GatewayClient,
    clock,
    onProviders: () => {},
    warn: () => {},
  });
  return { view, config, clock };
}

test('what mesh.yaml no longer says is gone after a reload: the catalog is not what was made of it', async () => {
  const gateway = fakeGateway();
  const { view, config } = viewOf(gateway);
  assert.equal((await view.providers())[0]?.models[0]?.price.input, 2_000_000);
  config.replace(priced(3));
  await view.reload();
  assert.equal((await view.providers())[0]?.models[0]?.price.input, 3_000_000);
  config.replace(plain);
  await view.reload();
  assert.deepEqual(await view.providers(), CATALOG);
  assert.equal(gateway.priceOf(), null);
  assert.equal(gateway.asked, 1, 'the catalog is asked for once');
});

test("a host that starts again does not take the last one's changes for the catalog", async () => {
  const gateway = fakeGateway();
  await viewOf(gateway, priced(9)).view.providers();
  assert.deepEqual(await viewOf(gateway, plain).view.providers(), CATALOG);
});

test('a gateway that was started again is told everything again', async () => {
  const gateway = fakeGateway();
  const { view, clock } = viewOf(gateway);
  await view.start();
  gateway.restart();
  clock.advance(2000);
  for (let turn = 0; turn < 20 && gateway.priceOf() === null; turn += 1) await setImmediate();
  assert.equal(gateway.priceOf(), 2_000_000);
  view.stop();
});

test('asking for health does not wait for the gateway; the next one has what was found', async () => {
  const gateway = fakeGateway();
  const { view, clock } = viewOf(gateway);
  assert.deepEqual(await view.modelHealth(), []);
  gateway.health = [{ model: 'p/m', ok: false, lastStatus: 500, lastErrorAt: null, coolingUntil: null }];
  const slow = Promise.withResolvers<void>();
  gateway.hold = slow.promise;
  clock.advance(1000);
  assert.deepEqual(await view.modelHealth(), [], 'answered though the gateway is silent');
  slow.resolve();
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
  assert.equal((await view.modelHealth()).length, 1);
});
