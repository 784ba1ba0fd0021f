import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { socketPaths } from '@openlegion/contract/installation';
import { createSystemClock } from '../packages/host/src/clock.ts';
import { createGatewayClient } from '../packages/host/src/vault/gateway-client.ts';
import { createKeeperClient } from '../packages/host/src/vault/keeper-client.ts';
import {
  authorityCertificate,
  leafCertificate,
} from '../packages/vault/src/certificate/issue-certificate.ts';
import { startInstallation } from '../test/harness/installation.ts';
import { type Bench, byTurns, type Figure, figure, median, timed } from './measure.ts';

const HOST = 'registry.bench';
const CALLER = { agent: 'bench', traceId: 'bench' };

/**
 * A request of an agent's program through the gateway's proxy (CONNECT, both TLS connections, the keeper's decision
 * and record), beside the same request made directly, from the host's end of the gateway's socket. Fresh: each on a
 * connection of its own, handshakes included. Then what the proxy needs to stand for a host that it has not seen.
 */
export const benchEgress: Bench = async ({ effort, progress }) => {
  const root = { agent: 'bench-root', key: newKey() };
  const own = newKey();
  const cert = leafCertificate(root, HOST, own, Date.now());
  const key = own.export({ type: 'pkcs8', format: 'pem' }).toString();
  const server = createServer({ key, cert }, (message, response) => {
    message.resume();
    response.end('{"ok":true}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await using installation = await startInstallation(
    { agents: 'agents: {}\n', permissions: { permissions: {} }, scripts: {} },
    ['keeper', 'gateway'],
  );
  const paths = socketPaths(installation.run);
  const gateway = createGatewayClient({ socketPath: paths.gateway });
  const { promise: connected, resolve: onConnect } = Promise.withResolvers<void>();
  const keeper = createKeeperClient({ socketPath: paths.keeperHost, clock: createSystemClock(), onConnect });
  await connected;
  const enough = { dailyMicroUsd: 10 ** 12, monthlyMicroUsd: 10 ** 12 };
  const agent = {
    name: CALLER.agent,
    team: null,
    parent: null,
    ...enough,
    apis: [],
    models: [],
    credentials: [],
  };
  const rates = { requestsPerMinute: null, tokensPerMinute: null };
  await keeper.policy({
    ...{ timeZone: 'UTC', fleet: enough, teams: [], opaqueHosts: [] },
    agents: [{ ...agent, ...rates, domains: [HOST] }],
  });
  const extraRootsPem = authorityCertificate(root);
  await gateway.putEgress({
    ...{ extraRootsPem, hosts: [{ host: HOST, address: '127.0.0.1', port }] },
    ...{ requestsPerMinute: 1_000_000, bytesPerMinute: 10 ** 10, connections: 48 },
  });
  const authority = await gateway.authority(CALLER.agent);

  const direct = async (): Promise<TLSSocket> => secured(connectTcp({ port, noDelay: true }), extraRootsPem);
  const proxied = async (): Promise<TLSSocket> => {
    const { socket } = await gateway.connect(CALLER);
    socket.write(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}:443\r\n\r\n`);
    const [answer]: Buffer[] = await once(socket, 'data');
    if (!String(answer).startsWith('HTTP/1.1 200')) throw new Error(String(answer));
    return secured(socket, authority);
  };
  const rounds = Math.max(20, Math.round(200 * effort));
  try {
    progress('requests, by turns: direct and through the proxy, kept alive, then fresh');
    const [near, far] = [keepAlive(direct), keepAlive(proxied)];
    for (let warm = 0; warm < 200; warm += 1) await Promise.all([ask(near), ask(far)]);
    const kept = await byTurns(
      rounds,
      () => timed(() => ask(far)),
      () => timed(() => ask(near)),
    );
    near.destroy();
    far.destroy();
    const once_ = (open: () => Promise<TLSSocket>) => () =>
      timed(async () => {
        const one = keepAlive(open);
        await ask(one);
        one.destroy();
      });
    for (let warm = 0; warm < 30; warm += 1) await once_(proxied)();
    const fresh = await byTurns(rounds / 2, once_(proxied), once_(direct));
    return [
      row('request through the egress proxy, kept alive', kept),
      row('request through the egress proxy, on a fresh connection', fresh),
      leaf(rounds),
    ];
  } finally {
    keeper.close();
    gateway.close();
    server.closeAllConnections();
    server.close();
  }
};

function row(what: string, { one, other }: { one: number[]; other: number[] }): Figure {
  const peer = { what: 'direct TLS', value: median(other) };
  return figure({
    bench: 'egress',
    what,
    unit: 'ms',
    value: median(one),
    peer,
    bound: { of: 'more', most: 3 },
  });
}

/** The certificate alone: the key of the leaves is made once for a gateway's life. */
function leaf(rounds: number): Figure {
  const authority = { agent: 'bench', key: newKey() };
  const key = newKey();
  const times = Array.from({ length: rounds }, (_, n) => {
    const startedAt = performance.now();
    leafCertificate(authority, `host-${n}.bench`, key, Date.now());
    return performance.now() - startedAt;
  });
  const what = 'certificate for a host not seen before';
  return figure({
    bench: 'egress',
    what,
    unit: 'ms',
    value: median(times),
    peer: null,
    bound: { of: 'value', most: 5 },
  });
}

function newKey(): KeyObject {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

async function secured(socket: Socket, ca: string): Promise<TLSSocket> {
  const tls = connectTls({ socket, ca, servername: HOST, ALPNProtocols: ['http/1.1'] });
  await once(tls, 'secureConnect');
  return tls;
}

function keepAlive(open: () => Promise<TLSSocket>): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = (_, callback) => {
    open().then(
      (socket) => callback?.(null, socket),
      (error) => (callback as ((error: unknown) => void) | undefined)?.(error),
    );
    return undefined;
  };
  return agent;
}

async function ask(agent: Agent): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = request({ agent, path: '/package', headers: { host: HOST } });
  sent.on('response', resolve).on('error', reject).end();
  const answer = await promise;
  for await (const _ of answer);
  if (answer.statusCode !== 200) throw new Error(`answered ${answer.statusCode}`);
}
