import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CatalogModel, CatalogProvider, Dialect } from '@openlegion/contract/catalog';
import { createProviders } from '../../catalog/providers.ts';
import type { KeeperClient } from '../../process/keeper-client.ts';
import { createModelHealth, type ModelHealthRecord } from '../answer/model-health.ts';
import { createDialects } from '../dialect/dialects.ts';
import type { Egress } from '../egress/create-egress.ts';
import { createProviderDialer, type PROVIDER_TIMEOUTS } from '../provider/dial-provider.ts';
import { createGatewayServer } from '../serve.ts';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  trailers: NodeJS.Dict<string>;
  /** False when the connection was cut before the end. */
  complete: boolean;
}

export interface TestGateway extends AsyncDisposable {
  socketPath: string;
  health: ModelHealthRecord;
  faults: unknown[];
  call(target: string, body: unknown, options?: CallOptions): Promise<Answer>;
}

export interface CallOptions {
  method?: string;
  headers?: OutgoingHttpHeaders;
  signal?: AbortSignal;
  /** Hears the answer as far as it has come. */
  heard?(text: string): void;
}

export const MODEL: CatalogModel = {
  id: 'm',
  contextTokens: 100_000,
  maxOutputTokens: 1000,
  imageTokens: 2000,
  price: { input: 1_000_000, output: 4_000_000, cacheRead: 100_000, cacheWrite: 1_250_000 },
  aliases: ['m-2026-01-01'],
};

export function testProvider(
  dialect: Dialect,
  origin: string,
  over: Partial<CatalogProvider> = {},
): CatalogProvider {
  return {
    id: dialect,
    name: dialect,
    dialect,
    baseUrl: `${origin}/base`,
    auth: { header: 'authorization', scheme: 'bearer', credential: 'OPENLEGION_SYSTEM_TEST_API_KEY' },
    models: [MODEL],
    ...over,
  };
}

const none = () => {
  throw new Error('this test has no egress');
};
const NO_EGRESS: Egress = {
  connect: none,
  service: none,
  configure: none,
  certificateOf: none,
  close() {},
};

/** The gateway in this process, on a socket of its own. */
export async function startGateway(options: {
  keeper: KeeperClient<'gateway'>;
  catalog: CatalogProvider[];
  timeouts?: Partial<typeof PROVIDER_TIMEOUTS>;
  extraRootsPem?: string;
  egress?: Partial<Egress>;
}): Promise<TestGateway> {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-'));
  const socketPath = join(directory, 'gateway.sock');
  const faults: unknown[] = [];
  const health = createModelHealth(Date.now);
  const timeouts = { connectMs: 5000, firstByteMs: 5000, idleMs: 5000, ...options.timeouts };
  const dialer = createProviderDialer(timeouts);
  dialer.trust(options.extraRootsPem ?? null);
  const server = createGatewayServer({
    ...{ providers: createProviders(options.catalog), dialects: createDialects(), keeper: options.keeper },
    ...{ dialer, health, egress: { ...NO_EGRESS, ...options.egress }, now: Date.now, uid: 1000, pid: 1 },
    failed: (error) => faults.push(error),
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    socketPath,
    health,
    faults,
    call: (target, body, call = {}) => callSocket(socketPath, target, body, call),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      dialer.close();
      await once(server, 'close');
      rmSync(directory, { recursive: true });
    },
  };
}

/** `target` beginning with a slash is the whole path; otherwise what follows `/llm/`. */
export function callSocket(
  socketPath: string,
  target: string,
  body: unknown,
  { method = 'POST', headers, signal, heard }: CallOptions = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      socketPath,
      method,
      path: target.startsWith('/') ? target : `/llm/${target}`,
      agent: false,
      headers: {
        'content-type': 'application/json',
        'x-openlegion-agent': 'researcher',
        'x-openlegion-trace': 'trace-1',
        'x-openlegion-tools': '{"*":"allow"}',
        ...headers,
      },
      ...(signal ? { signal } : {}),
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
        heard?.(text);
      });
      response.on('error', () => {});
      response.on('close', () => {
        const { statusCode: status = 0, trailers, complete } = response;
        resolve({ status, headers: response.headers, text, trailers, complete });
      });
    });
    request.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}
