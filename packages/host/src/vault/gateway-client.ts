import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { CatalogProvider } from '@openlegion/contract/catalog';
import { ModelHealth } from '@openlegion/contract/control-api';
import type { EgressSettings } from '@openlegion/contract/gateway-protocol';
import { z } from 'zod';
import { type Caller, callGateway, type GatewayCall } from './call-gateway.ts';
import { connectGateway } from './connect-gateway.ts';
import { gatewayAway } from './gateway-away.ts';

const ANSWER_TIMEOUT_MS = 10_000;
const MOST_ANSWER_BYTES = 16 * 1024 * 1024;

export const GatewayHealth = z.object({
  ok: z.boolean(),
  uid: z.int(),
  pid: z.int(),
  models: z.array(ModelHealth),
});
export type GatewayHealth = z.infer<typeof GatewayHealth>;

const Authority = z.object({ certificatePem: z.string().max(8192) });

/** The host's end of `gateway.sock`, over kept-alive connections. Each throws `unavailable` when the gateway is away. */
export interface GatewayClient {
  health(): Promise<GatewayHealth>;
  providers(): Promise<CatalogProvider[]>;
  putProviders(providers: CatalogProvider[]): Promise<void>;
  putEgress(settings: EgressSettings): Promise<void>;
  /** PEM of the certificate by which the agent knows the proxy. */
  authority(agent: string): Promise<string>;
  /** Resolves when the answer begins. When its body closes, the call is ended at the gateway too. Throws `too_large` for the body. */
  call(call: GatewayCall): Promise<IncomingMessage>;
  /** One connection to the gateway as the agent's HTTP proxy, half-open allowed. Throws its refusal. */
  connect(caller: Caller): Promise<{ socket: Socket; head: Buffer }>;
  close(): void;
}

export function createGatewayClient(options: { socketPath: string }): GatewayClient {
  const { socketPath } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: 1024, maxFreeSockets: 32 });

  async function ask(method: 'GET' | 'PUT', path: string, body?: unknown): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const text = body === undefined ? '' : JSON.stringify(body);
    const sent = httpRequest({
      socketPath,
      agent,
      method,
      path,
      timeout: ANSWER_TIMEOUT_MS,
      headers: {
        host: 'gateway',
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      },
    });
    sent.on('response', resolve);
    sent.on('timeout', () => sent.destroy(gatewayAway()));
    sent.on('error', (cause) => reject(gatewayAway(cause)));
    sent.end(text);
    const answer = await promise;
    const answered = await textOf(answer);
    if ((answer.statusCode ?? 500) >= 300)
      throw gatewayAway(new Error(`${method} ${path}: ${answer.statusCode} ${answered}`));
    return answered === '' ? undefined : JSON.parse(answered);
  }

  return {
    health: async () => GatewayHealth.parse(await ask('GET', '/health')),
    async providers() {
      const list = z.object({ providers: z.array(CatalogProvider) }).parse(await ask('GET', '/providers'));
      return list.providers;
    },
    async putProviders(providers) {
      await ask('PUT', '/providers', { providers });
    },
    async putEgress(settings) {
      await ask('PUT', '/egress', settings);
    },
    async authority(agent) {
      return Authority.parse(await ask('GET', `/authority/${agent}`)).certificatePem;
    },
    call: (call) => callGateway({ socketPath, agent }, call),
    connect: (caller) => connectGateway(socketPath, caller),
    close: () => agent.destroy(),
  };
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    const piece = Buffer.from(chunk);
    bytes += piece.length;
    if (bytes > MOST_ANSWER_BYTES) throw gatewayAway(new Error('answer too large'));
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString('utf8');
}
