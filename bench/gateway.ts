import { once } from 'node:events';
import type { CatalogProvider } from '@openlegion/contract/catalog';
import { GATEWAY_HEADERS } from '@openlegion/contract/gateway-protocol';
import { socketPaths } from '@openlegion/contract/installation';
import { createSystemClock } from '../packages/host/src/clock.ts';
import { createGatewayClient } from '../packages/host/src/vault/gateway-client.ts';
import { createKeeperClient } from '../packages/host/src/vault/keeper-client.ts';
import { createKeeperClient as createAdminClient } from '../packages/vault/src/process/keeper-client.ts';
import { startInstallation } from '../test/harness/installation.ts';
import type { LoadOrders, LoadReport } from './gateway/load.ts';
import { type Peer, startLitellm, startPortkey } from './gateway/peers.ts';
import { runProgram, startServer } from './gateway/start-server.ts';
import { type Bench, type Figure, figure, median } from './measure.ts';
import { settledMemoryBytes } from './private-memory.ts';

const CONNECTIONS = 64;
const SECONDS = 3;
const MEMORY_CALLS = 1000;
const KEY = 'sk-bench-0123456789abcdef0123456789abcdef';
const CREDENTIAL = 'OPENLEGION_SYSTEM_BENCH_API_KEY';
const BODY = JSON.stringify({
  model: 'gpt-4.1-mini',
  max_tokens: 256,
  messages: [
    { role: 'system', content: 'You qualify prospects. '.repeat(40) },
    { role: 'user', content: 'Score Acme Ltd.' },
  ],
});

/** Where the same call goes. */
type Way = Pick<LoadOrders, 'to' | 'target' | 'headers'>;

/**
 * Model calls through gateway and keeper, beside the same calls through other gateways, all to one provider that
 * answers at once: calls a second with 64 connections, and what one call alone takes longer than without a gateway.
 * Ours holds a key, checks every field, reserves and settles money and writes an audit record meanwhile. Each
 * gateway, the provider and the load are processes of their own on loopback. The floor is a relay of Node's that asks a
 * second process for a line before each call, and does nothing else.
 */
export const benchGateway: Bench = async ({ effort, progress }) => {
  const provider = await startServer('fake-provider.ts');
  const answerer = await startServer('bare-answerer.ts');
  const orders = { provider: { port: provider.port }, asks: { port: answerer.port } };
  const relay = await startServer('bare-relay.ts', JSON.stringify(orders));
  const peers: Peer[] = [];
  const figures: Figure[] = [];
  try {
    await using ours = await startOurs(provider.port);
    progress('keeper and gateway after 1,000 calls');
    await load({ ...ours.way, calls: MEMORY_CALLS, seconds: 60 });
    const memory = (await ours.memoryBytes()) / 1_000_000;
    figures.push(
      figure({
        bench: 'gateway',
        what: 'private memory of keeper and gateway after 1,000 calls',
        unit: 'MB',
        value: memory,
        peer: null,
        bound: { of: 'value', most: 120 },
      }),
    );
    const direct: Way = {
      to: { port: provider.port },
      target: '/v1/chat/completions',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
    };
    const ways: [name: string, way: Way][] = [
      ['provider', direct],
      ['openlegion', ours.way],
      ['bare relay', { ...direct, to: { port: relay.port } }],
    ];
    for (const start of [startPortkey, startLitellm]) {
      const peer = await start({ providerPort: provider.port, key: KEY, progress });
      if ('missing' in peer) {
        progress(`${peer.name}: not measured: ${peer.missing}`);
        figures.push(notMeasured(peer.name, peer.missing));
        continue;
      }
      peers.push(peer);
      ways.push([peer.name, peer.way]);
    }
    const measured = await measure(ways, Math.max(2, Math.round(3 * effort)), progress);
    return [...figures, ...compare(measured)];
  } finally {
    for (const peer of peers) await peer.stop();
    relay.stop();
    answerer.stop();
    provider.stop();
  }
};

interface Measured {
  perSecond: number[];
  loadedMs: number[];
  aloneMs: number[];
}

/** By turns: under load, then one connection alone. The first round warms up and is not counted. */
async function measure(
  ways: readonly [string, Way][],
  rounds: number,
  progress: (text: string) => void,
): Promise<Map<string, Measured>> {
  const measured = new Map<string, Measured>(
    ways.map(([name]) => [name, { perSecond: [], loadedMs: [], aloneMs: [] }]),
  );
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, way] of ways) {
      const full = await load({ ...way, calls: 1e9, seconds: SECONDS });
      const alone = await load({ ...way, calls: 1e9, seconds: 1.5, connections: 1 });
      progress(`${name}: ${Math.round(full.calls / full.seconds)} /s, ${alone.medianMs.toFixed(3)} ms alone`);
      if (round === 0) continue;
      measured.get(name)?.perSecond.push(full.calls / full.seconds);
      measured.get(name)?.loadedMs.push(full.medianMs);
      measured.get(name)?.aloneMs.push(alone.medianMs);
    }
  }
  return measured;
}

function compare(measured: ReadonlyMap<string, Measured>): Figure[] {
  const of = (name: string, what: keyof Measured): number => median(measured.get(name)?.[what] ?? []);
  const added = (name: string, what: keyof Measured): number => of(name, what) - of('provider', what);
  const own = ['provider', 'openlegion', 'bare relay'];
  const peers = [...measured.keys()].filter((name) => !own.includes(name));
  const perSecond = (name: string, bounded: boolean, whose = 'openlegion'): Figure =>
    figure({
      bench: 'gateway',
      what: `model calls a second, 64 at once${through(whose)}`,
      unit: '/s',
      value: of(whose, 'perSecond'),
      peer: { what: name, value: of(name, 'perSecond') },
      bound: bounded ? { of: 'ratio', least: 5 } : null,
    });
  const latency = (name: string, time: 'loadedMs' | 'aloneMs', whose = 'openlegion'): Figure =>
    figure({
      bench: 'gateway',
      what: `added to a call, ${time === 'loadedMs' ? '64 at once' : 'one at a time'}${through(whose)}`,
      unit: 'ms',
      value: added(whose, time),
      peer: { what: name, value: added(name, time) },
      bound: whose === 'openlegion' ? { of: 'ratio', most: 0.2 } : null,
    });
  return [
    perSecond('provider', false),
    perSecond('bare relay', false),
    ...peers.map((name) => perSecond(name, true)),
    ...peers.map((name) => perSecond(name, false, 'bare relay')),
    ...(['loadedMs', 'aloneMs'] as const).flatMap((time) =>
      peers.flatMap((name) => [latency(name, time), latency(name, time, 'bare relay')]),
    ),
  ];
}

const through = (whose: string): string => (whose === 'openlegion' ? '' : `, through a ${whose}`);

function notMeasured(name: string, why: string): Figure {
  return figure({
    bench: 'gateway',
    what: `not measured beside ${name}: ${why}`,
    unit: '/s',
    value: 0,
    peer: null,
    bound: null,
  });
}

async function load(orders: Way & Partial<LoadOrders>): Promise<LoadReport> {
  const whole: LoadOrders = { body: BODY, connections: CONNECTIONS, calls: 1e9, seconds: SECONDS, ...orders };
  const child = runProgram('load.ts', JSON.stringify(whole));
  const [printed, failed] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    once(child, 'close'),
  ]);
  if (child.exitCode !== 0) throw new Error(`the load failed: ${failed.slice(0, 3000)}`);
  const report: LoadReport = JSON.parse(printed);
  return report;
}

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = '';
  for await (const chunk of stream ?? []) text += String(chunk);
  return text;
}

/** Keeper and gateway as the supervisor starts them, with one agent, one provider and its key. */
async function startOurs(
  providerPort: number,
): Promise<AsyncDisposable & { way: Way; memoryBytes(): Promise<number> }> {
  const installation = await startInstallation(
    { agents: 'agents: {}\n', permissions: { permissions: {} }, scripts: {} },
    ['keeper', 'gateway'],
  );
  const paths = socketPaths(installation.run);
  const origin = `http://127.0.0.1:${providerPort}`;
  const admin = createAdminClient({ role: 'admin', socketPath: paths.keeperAdmin, reconnect: false });
  await admin.connected(AbortSignal.timeout(10_000));
  const put = await admin.call('put', {
    ...{ name: CREDENTIAL, value: KEY, origins: [origin], bindings: [], environment: [] },
  });
  admin.close();
  if (!put.ok) throw new Error(put.refusal.message);
  const connected = Promise.withResolvers<void>();
  const keeper = createKeeperClient({
    socketPath: paths.keeperHost,
    clock: createSystemClock(),
    onConnect: () => connected.resolve(),
  });
  await connected.promise;
  const enough = { dailyMicroUsd: 10 ** 12, monthlyMicroUsd: 10 ** 12 };
  await keeper.policy({
    timeZone: 'UTC',
    fleet: enough,
    teams: [],
    opaqueHosts: [],
    agents: [
      {
        ...enough,
        ...{ name: 'bench', team: null, parent: null, apis: ['llm'], models: ['bench/gpt-4.1-mini'] },
        ...{ requestsPerMinute: null, tokensPerMinute: null, domains: [], credentials: [] },
      },
    ],
  });
  const gateway = createGatewayClient({ socketPath: paths.gateway });
  const own: CatalogProvider = {
    id: 'bench',
    name: 'Bench',
    dialect: 'openai-chat',
    baseUrl: `${origin}/v1`,
    auth: { header: 'authorization', scheme: 'bearer', credential: CREDENTIAL },
    models: [
      {
        id: 'gpt-4.1-mini',
        contextTokens: 1_000_000,
        maxOutputTokens: 32_768,
        price: { input: 400_000, output: 1_600_000, cacheRead: 100_000 },
      },
    ],
  };
  await gateway.putProviders([own]);
  gateway.close();
  return {
    way: {
      to: { path: paths.gateway },
      target: '/llm/bench/chat/completions',
      headers: {
        'content-type': 'application/json',
        [GATEWAY_HEADERS.agent]: 'bench',
        [GATEWAY_HEADERS.trace]: 'bench',
        [GATEWAY_HEADERS.tools]: '{}',
      },
    },
    async memoryBytes() {
      const each = [installation.pidOf('keeper'), installation.pidOf('gateway')];
      return (await Promise.all(each.map(settledMemoryBytes))).reduce((sum, bytes) => sum + bytes, 0);
    },
    async [Symbol.asyncDispose]() {
      keeper.close();
      await installation[Symbol.asyncDispose]();
    },
  };
}
