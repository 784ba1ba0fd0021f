import { Agent, type IncomingMessage, request } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { GATEWAY_HEADERS } from '@openlegion/contract/gateway-protocol';
import { socketPaths } from '@openlegion/contract/installation';
import { createSystemClock } from '../packages/host/src/clock.ts';
import { callModel } from '../packages/host/src/mesh/call-model.ts';
import { createGatewayClient } from '../packages/host/src/vault/gateway-client.ts';
import { createKeeperClient } from '../packages/host/src/vault/keeper-client.ts';
import { startInstallation } from '../test/harness/installation.ts';
import { startBenchContainer } from './bench-container.ts';
import { benchEngine } from './bench-engine.ts';
import { startServer } from './gateway/start-server.ts';
import { type Bench, figure, median } from './measure.ts';

const CALLS = 10;
/** Between calls; 0: one after the other. */
const PAUSES_MS = [0, 2] as const;
/** Before it counts: what serves a fleet has been compiled long ago, which takes some thousand calls. */
const WARM_UP_ROUNDS = 200;
const MODEL_PATH = '/llm/scripted/chat/completions';
const BARE_PATH = '/v1/chat/completions';
const BODY = JSON.stringify({
  model: 'bench',
  stream: true,
  stream_options: { include_usage: true },
  max_tokens: 256,
  messages: [
    { role: 'system', content: 'You qualify prospects. '.repeat(40) },
    { role: 'user', content: 'Score Acme Ltd.' },
  ],
});

interface Times {
  wholeMs: number[];
  firstMs: number[];
}

/**
 * A model call from inside a container, through pipe, host, gateway and keeper to the scripted model, beside the
 * same call made to the scripted model directly. Between the two, from this process to the gateway: the vault's share.
 * And the floor: the same way in as many processes, of which none reads, decides, reserves or records anything.
 *
 * Judged is one call after the other: what the way itself takes. After a pause the processor sleeps, and each of the
 * nine processes on the way is woken from that, where the direct call wakes two: shown as well.
 */
export const benchModel: Bench = async ({ image, effort, progress }) => {
  await using installation = await startInstallation(
    {
      agents: 'agents: {}\n',
      permissions: { permissions: {} },
      scripts: {
        bench: 'otherwise: { text: "Acme Ltd scores seven of ten: large, growing, and it answered." }',
      },
    },
    ['keeper', 'gateway', 'scripted'],
  );
  const paths = socketPaths(installation.run);
  const engine = await benchEngine();
  const gateway = createGatewayClient({ socketPath: paths.gateway });
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
        ...{ name: 'bench', team: null, parent: null, apis: ['llm'], models: ['scripted/bench'] },
        ...{ requestsPerMinute: null, tokensPerMinute: null, domains: [], credentials: [] },
      },
    ],
  });
  const answerer = await startServer('bare-answerer.ts');
  const to = { provider: { socketPath: paths.scripted }, asks: { port: answerer.port } };
  const relay = await startServer('bare-relay.ts', JSON.stringify(to));
  const agent = new Agent({ keepAlive: true });
  try {
    await using container = await startBenchContainer({
      engine,
      image,
      // No processor limit: it would be the limit that is measured.
      handle: async (call) => {
        if (call.path === BARE_PATH) return relayBare(call.stream, { port: relay.port, agent });
        await callModel(call, { agent: 'bench', traceId: 'bench', allowedTools: {} }, gateway);
        call.stream.end();
      },
    });
    const direct = (pauseMs: number): Promise<Times> =>
      calls({ socketPath: paths.scripted, path: '/v1/chat/completions', agent }, pauseMs);
    const vault = (pauseMs: number): Promise<Times> =>
      calls(
        {
          socketPath: paths.gateway,
          path: MODEL_PATH,
          agent,
          headers: {
            [GATEWAY_HEADERS.agent]: 'bench',
            [GATEWAY_HEADERS.trace]: 'bench',
            [GATEWAY_HEADERS.tools]: '{}',
          },
        },
        pauseMs,
      );
    const fromContainer =
      (path: string) =>
      async (pauseMs: number): Promise<Times> => {
        const body = JSON.stringify({ path, body: BODY, count: CALLS, pauseMs });
        const answer = await container.pipe.request({
          method: 'POST',
          path: '/calls',
          body,
          headersTimeoutMs: 60_000,
        });
        const times = await answer.json();
        if (!isTimes(times)) throw new Error('the container answered something else');
        return times;
      };
    const ways = { direct, vault, whole: fromContainer(MODEL_PATH), bare: fromContainer(BARE_PATH) };
    const seen = PAUSES_MS.map(() => ({ direct: empty(), vault: empty(), whole: empty(), bare: empty() }));
    progress('calls, by turns: direct, through the vault, through everything');
    const rounds = Math.max(3, Math.round(12 * effort));
    for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
      for (const [nth, pauseMs] of PAUSES_MS.entries()) {
        if (round < 0 && nth > 0) continue;
        for (const name of ['direct', 'vault', 'whole', 'bare'] as const) {
          const times = await ways[name](pauseMs);
          if (round < 0) continue;
          seen[nth]?.[name].wholeMs.push(...times.wholeMs);
          seen[nth]?.[name].firstMs.push(...times.firstMs);
        }
      }
    }
    return PAUSES_MS.flatMap((pauseMs, nth) =>
      (
        [
          ['model call from the container', 'whole', pauseMs === 0],
          ['of that, through the vault alone', 'vault', false],
          ['the same way, nothing decided', 'bare', false],
        ] as const
      ).flatMap(([what, way, bounded]) =>
        (
          [
            ['to its first token', 'firstMs'],
            ['to its end', 'wholeMs'],
          ] as const
        ).map(([until, time]) =>
          figure({
            bench: 'model',
            what: `${what}, ${until}${pauseMs === 0 ? '' : `, ${pauseMs} ms after the last`}`,
            unit: 'ms',
            value: median(seen[nth]?.[way][time] ?? []),
            peer: { what: 'direct call', value: median(seen[nth]?.direct[time] ?? []) },
            bound: bounded ? { of: 'more', most: 1.5 } : null,
          }),
        ),
      ),
    );
  } finally {
    agent.destroy();
    relay.stop();
    answerer.stop();
    keeper.close();
    gateway.close();
    engine.close();
  }
};

const empty = (): Times => ({ wholeMs: [], firstMs: [] });

function isTimes(value: unknown): value is Times {
  return typeof value === 'object' && value !== null && 'wholeMs' in value && 'firstMs' in value;
}

async function calls(
  to: { socketPath: string; path: string; agent: Agent; headers?: Record<string, string> },
  pauseMs: number,
): Promise<Times> {
  const times = empty();
  for (let call = 0; call < CALLS; call += 1) {
    const startedAt = performance.now();
    const response = await post(to);
    let firstMs = 0;
    let text = '';
    for await (const chunk of response) {
      text += String(chunk);
      if (firstMs === 0 && /"content":"[^"]/.test(text)) firstMs = performance.now() - startedAt;
    }
    if (response.statusCode !== 200)
      throw new Error(`${to.path} was answered ${response.statusCode}: ${text}`);
    times.wholeMs.push(performance.now() - startedAt);
    times.firstMs.push(firstMs);
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return times;
}

/** What any host does at least: Node's own client of HTTP between two streams, what comes in one turn in one write. */
function relayBare(stream: ServerHttp2Stream, to: { port: number; agent: Agent }): void {
  const options = { ...to, method: 'POST', path: BARE_PATH, headers: { 'content-type': 'application/json' } };
  const sent = request(options, (answer) => {
    stream.respond({ ':status': answer.statusCode });
    answer.on('data', (chunk: Buffer) => {
      if (stream.writableCorked === 0) {
        stream.cork();
        setImmediate(() => stream.uncork());
      }
      stream.write(chunk);
    });
    answer.on('end', () => stream.end());
  });
  sent.on('error', () => stream.close());
  stream.on('data', (chunk: Buffer) => sent.write(chunk));
  stream.on('end', () => sent.end());
}

function post({ headers, ...to }: Parameters<typeof calls>[0]): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request({
      ...to,
      method: 'POST',
      headers: {
        host: 'localhost',
        'content-type': 'application/json',
        accept: 'text/event-stream',
        'content-length': Buffer.byteLength(BODY),
        ...headers,
      },
    });
    sent.on('response', resolve);
    sent.on('error', reject);
    sent.end(BODY);
  });
}
