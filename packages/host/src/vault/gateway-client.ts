import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { CatalogProvider } from '@openlegion/contract/catalog';
import { GATEWAY_HEADERS } from '@openlegion/contract/gateway-protocol';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import { tooLarge } from '../mesh/read-json-body.ts';

const ANSWER_TIMEOUT_MS = 10_000;
const MOST_ANSWER_BYTES = 16 * 1024 * 1024;
/** A call may run as long as its provider streams; this long without a byte it is given up. */
const CALL_IDLE_MS = 10 * 60_000;

export const GatewayHealth = z.object({
  ok: z.boolean(),
  uid: z.int(),
  pid: z.int(),
  models: z.array(
    z.object({
      model: z.string(),
      ok: z.boolean(),
      lastStatus: z.int(),
      lastErrorAt: z.string().nullable(),
      coolingUntil: z.string().nullable(),
    }),
  ),
});
export type GatewayHealth = z.infer<typeof GatewayHealth>;

export interface ModelCall {
  path: string;
  agent: string;
  traceId: string;
  contentType: string | undefined;
  accept: string | undefined;
  /** One that was reset, and so ends before its end, has its code. */
  body: Readable & { readonly rstCode?: number | undefined };
  maxBodyBytes: number;
  signal: AbortSignal;
}

/** The host's end of `gateway.sock`, over kept-alive connections. Each throws `unavailable` when the gateway is away. */
export interface GatewayClient {
  health(): Promise<GatewayHealth>;
  providers(): Promise<CatalogProvider[]>;
  putProviders(providers: CatalogProvider[]): Promise<void>;
  /** Resolves when the answer begins. An abort ends the call to the provider too. Throws `too_large` for the body. */
  call(call: ModelCall): Promise<IncomingMessage>;
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
    sent.on('timeout', () => sent.destroy(away()));
    sent.on('error', (cause) => reject(away(cause)));
    sent.end(text);
    const answer = await promise;
    const answered = await textOf(answer);
    if ((answer.statusCode ?? 500) >= 300)
      throw away(new Error(`${method} ${path}: ${answer.statusCode} ${answered}`));
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
    call({ path, agent: caller, traceId, contentType, accept, body, maxBodyBytes, signal }) {
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
      const sent = httpRequest({
        socketPath,
        agent,
        method: 'POST',
        path,
        timeout: CALL_IDLE_MS,
        headers: {
          host: 'gateway',
          'content-type': contentType ?? 'application/json',
          ...(accept === undefined ? {} : { accept }),
          [GATEWAY_HEADERS.agent]: caller,
          [GATEWAY_HEADERS.trace]: traceId,
        },
      });
      sent.on('response', resolve);
      sent.on('timeout', () => sent.destroy(away()));
      sent.on('error', (cause) => reject(away(cause)));
      const leave = () => sent.destroy();
      signal.addEventListener('abort', leave, { once: true });
      sent.on('close', () => signal.removeEventListener('abort', leave));
      if (signal.aborted) leave();
      sendBody(sent, body, maxBodyBytes, (error) => {
        reject(error);
        sent.destroy();
      });
      return promise;
    },
    close: () => agent.destroy(),
  };
}

/** At the gateway's pace, one piece behind, so that a body of one piece goes out in one write with its headers. */
function sendBody(
  sent: ClientRequest,
  body: ModelCall['body'],
  maxBytes: number,
  fail: (error: unknown) => void,
): void {
  let bytes = 0;
  let last: Buffer | undefined;
  const onData = (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > maxBytes) {
      body.off('data', onData);
      fail(tooLarge(maxBytes));
      return;
    }
    if (last && !sent.write(last)) body.pause();
    last = piece;
  };
  body.on('data', onData);
  sent.on('drain', () => body.resume());
  body.on('end', () => {
    // A reset ends the stream as well; what came of the body is not the body.
    if (body.rstCode) sent.destroy();
    else if (!sent.destroyed) sent.end(last);
  });
  body.on('error', fail);
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    const piece = Buffer.from(chunk);
    bytes += piece.length;
    if (bytes > MOST_ANSWER_BYTES) throw away(new Error('answer too large'));
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function away(cause?: unknown): OpenLegionError {
  return new OpenLegionError(
    {
      code: 'unavailable',
      rule: 'vault.gateway',
      message: 'The model gateway does not answer; no model can be called.',
      remedy:
        'It is started again by itself; if this stays, see data/logs and run "./openlegion stop" and "start".',
    },
    { cause },
  );
}
