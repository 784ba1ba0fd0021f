import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { checkpointText } from '@openlegion/contract/audit-record';
import type { CatalogProvider } from '@openlegion/contract/catalog';
import type { BudgetWarning } from '@openlegion/contract/costs';
import { socketPaths } from '@openlegion/contract/installation';
import type { GrantedCredential } from '@openlegion/contract/keeper-protocol';

/** A keeper and a gateway on their sockets, as far as the host sees them. */
export interface FakeVault extends AsyncDisposable {
  policies: unknown[];
  putProviders: unknown[];
  putEgress: unknown[];
  credentials: GrantedCredential[];
  warnings: BudgetWarning[];
  /** What agents stored. */
  secrets: unknown[];
  calls: { headers: IncomingMessage['headers']; url: string; body: string }[];
  publicKeyPem: string;
  /** Answers model calls; by default `pong`, charged 42. */
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
  /** What the gateway does with a connection that it took; by default it sends back what comes. */
  tunnel: (socket: Duplex) => void;
  tunnels: IncomingMessage['headers'][];
  dropKeeper(): void;
  /** How often the keeper was asked for this. */
  asked(op: string): number;
}

export const FAKE_PROVIDER: CatalogProvider = {
  id: 'scripted',
  name: 'Scripted',
  dialect: 'openai-chat',
  baseUrl: 'http://scripted/v1',
  models: [{ id: '*', contextTokens: 1000, maxOutputTokens: 100, price: { input: 1, output: 1 } }],
};

export async function startFakeVault(run: string): Promise<FakeVault> {
  const paths = socketPaths(run);
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const connections = new Set<Socket>();
  const sockets = new Set<Duplex>();
  const asked: string[] = [];
  /** Certificates are made anew each time, as by a gateway. */
  let made = 0;
  let catalog: CatalogProvider[] = [FAKE_PROVIDER];

  const vault: FakeVault = {
    policies: [],
    putProviders: [],
    putEgress: [],
    credentials: [],
    warnings: [],
    secrets: [],
    calls: [],
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    answer(_request, response) {
      response.writeHead(200, {
        'content-type': 'application/json',
        'x-secret': 'inside',
        trailer: 'x-openlegion-charged-micro-usd, x-openlegion-input-tokens, x-openlegion-output-tokens',
      });
      response.write('{"pong":true}');
      response.addTrailers({
        'x-openlegion-charged-micro-usd': '42',
        'x-openlegion-input-tokens': '3',
        'x-openlegion-output-tokens': '4',
      });
      response.end();
    },
    tunnel: (socket) => socket.pipe(socket),
    tunnels: [],
    asked: (op) => asked.filter((one) => one === op).length,
    dropKeeper() {
      for (const socket of connections) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of connections) socket.destroy();
      keeper.close();
      gateway.close();
      gateway.closeAllConnections();
      for (const socket of sockets) socket.destroy();
    },
  };

  function operation(op: string, args: { seq: number; hash: string }): unknown {
    asked.push(op);
    if (op === 'policy') {
      vault.policies.push(args);
      return { hash: 'h' };
    }
    if (op === 'checkpoint') {
      const point = {
        chain: 'host' as const,
        seq: args.seq,
        hash: args.hash,
        at: '2026-01-01T00:00:00.000Z',
      };
      return {
        ...point,
        signature: sign(null, Buffer.from(checkpointText(point)), privateKey).toString('base64'),
      };
    }
    if (op === 'audit') return { records: [] };
    if (op === 'vaultView') return { credentials: vault.credentials };
    if (op === 'names') return { credentials: [] };
    if (op === 'warnings') return { warnings: vault.warnings };
    if (op === 'captureKey') return { publicKeyPem: vault.publicKeyPem };
    if (op === 'generate' || op === 'capture') {
      vault.secrets.push(args);
      return { name: 'OPENLEGION_CRED_AGENT_ALICE_KEY', version: 1 };
    }
    const none = {
      spentTodayMicroUsd: 7,
      spentMonthMicroUsd: 8,
      reservedMicroUsd: 0,
      dailyMicroUsd: 9,
      monthlyMicroUsd: 9,
      calls: 0,
      inputTokens: 0,
      outputTokens: 0,
    };
    return { day: 'd', month: 'm', timeZone: 'UTC', fleet: none, teams: {}, agents: { alice: none } };
  }

  const keeper = createServer((socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    socket.on('error', () => {});
    createInterface({ input: socket }).on('line', (line) => {
      const { id, op, args } = JSON.parse(line);
      socket.write(`${JSON.stringify({ id, ok: true, result: operation(op, args) })}\n`);
    });
  });
  const gateway = createHttpServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const json = (value: unknown) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
    if (request.url === '/health') return json({ ok: true, uid: 0, pid: 1, models: [] });
    if (request.url === '/providers' && request.method === 'GET') return json({ providers: catalog });
    if (request.url === '/egress') {
      vault.putEgress.push(JSON.parse(body));
      return response.writeHead(204).end();
    }
    if (request.url?.startsWith('/authority/')) {
      made += 1;
      return json({ certificatePem: `CA ${made} of ${request.url.slice(11)}` });
    }
    if (request.url === '/providers') {
      const { providers } = JSON.parse(body);
      vault.putProviders.push(providers);
      catalog = [...catalog, ...providers];
      return response.writeHead(204).end();
    }
    vault.calls.push({ headers: request.headers, url: request.url ?? '', body });
    vault.answer(request, response, body);
  });
  gateway.on('clientError', () => {});
  gateway.on('connect', (request, socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    vault.tunnels.push(request.headers);
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    vault.tunnel(socket);
  });
  keeper.listen(paths.keeperHost);
  gateway.listen(paths.gateway);
  await Promise.all([once(keeper, 'listening'), once(gateway, 'listening')]);
  return vault;
}
