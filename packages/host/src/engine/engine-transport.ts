import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { type EngineAddress, engineAddressText } from './engine-address.ts';
import { EngineError, engineUnreachable } from './engine-error.ts';

export interface EngineCall {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Without the version, for example `/containers/create`. */
  path: string;
  query?: Record<string, string | undefined>;
  json?: unknown;
  /** A tar archive (a build context, an image). */
  tar?: Readable;
  signal?: AbortSignal;
  /** Default 60 s without a byte; 0 for calls that wait by design (wait, attach, build). */
  idleTimeoutMs?: number;
  /** For messages: `create container`. */
  operation: string;
}

/** Bound on an answer that is read whole. A container's inspection is some 10 KB, a list of thousands some MB. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** HTTP to one engine. Errors: EngineError for its refusals, OpenLegionError `unavailable` when it cannot be reached. */
export interface EngineTransport {
  readonly address: EngineAddress;
  /** The answer's headers, its body unread. A status of 400 or more throws. */
  open(call: EngineCall): Promise<IncomingMessage>;
  /** The whole answer as JSON; `undefined` for an empty one. */
  json(call: EngineCall): Promise<unknown>;
  /** Turns the connection into a byte stream both ways (attach). `head` is what came with the answer. */
  hijack(call: EngineCall): Promise<{ socket: Socket; head: Buffer }>;
  close(): void;
}

/** `prefix` is the negotiated version (`/v1.41`), or empty for the calls before the negotiation. */
export function createEngineTransport(address: EngineAddress, prefix: string): EngineTransport {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 8, scheduling: 'lifo' });
  const send = (call: EngineCall, hijack: boolean): ClientRequest => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) query.set(name, value);
    }
    const search = query.size > 0 ? `?${query}` : '';
    const body = call.json === undefined ? null : Buffer.from(JSON.stringify(call.json));
    const headers: Record<string, string> = { host: 'engine' };
    if (body) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = String(body.length);
    } else if (call.tar) headers['content-type'] = 'application/x-tar';
    else if (call.method === 'POST') headers['content-length'] = '0';
    if (hijack) Object.assign(headers, { connection: 'Upgrade', upgrade: 'tcp' });
    const options = {
      method: call.method,
      path: `${prefix}${call.path}${search}`,
      headers,
      ...(call.signal && { signal: call.signal }),
    };
    let request: ClientRequest;
    if (address.kind === 'unix') {
      request = httpRequest({ ...options, socketPath: address.path, agent: hijack ? false : agent });
    } else {
      const target = { ...options, host: address.host, port: address.port };
      request = address.tls
        ? httpsRequest({ ...target, ...address.tls })
        : httpRequest({ ...target, agent: hijack ? false : agent });
    }
    const idleTimeoutMs = call.idleTimeoutMs ?? 60_000;
    if (idleTimeoutMs > 0) {
      request.setTimeout(idleTimeoutMs, () => {
        request.destroy(Object.assign(new Error('no byte in time'), { code: 'ETIMEDOUT' }));
      });
    }
    if (call.tar) {
      const tar = call.tar;
      tar.on('error', (error) => request.destroy(error));
      request.on('close', () => tar.destroy());
      tar.pipe(request);
    } else request.end(body);
    return request;
  };
  const failed = (call: EngineCall, error: unknown): Error => {
    if (error instanceof OpenLegionError) return error;
    if (call.signal?.aborted) {
      const message = `"${call.operation}" was given up.`;
      const given = { code: 'unavailable', message, remedy: 'Try again.' } as const;
      return new OpenLegionError({ rule: `engine.${call.operation}`, ...given }, { cause: error });
    }
    return engineUnreachable(call.operation, engineAddressText(address), error);
  };

  const open = (call: EngineCall, retried = false): Promise<IncomingMessage> => {
    const answered = Promise.withResolvers<IncomingMessage>();
    const request = send(call, false);
    request.on('error', (error: Error & { code?: string }) => {
      // An engine that was restarted leaves dead connections in the pool; the request never reached it.
      const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      if (stale && !retried && !call.tar) answered.resolve(open(call, true));
      else answered.reject(failed(call, error));
    });
    request.on('response', (response) => {
      response.on('error', () => {});
      if ((response.statusCode ?? 500) < 400) answered.resolve(response);
      else refuse(call, response).then(answered.reject, answered.reject);
    });
    return answered.promise;
  };

  return {
    address,
    open,
    async json(call) {
      const response = await open(call);
      const text = await readText(response, MAX_ANSWER_BYTES).catch((error) => {
        throw failed(call, error);
      });
      if (text.trim() === '') return undefined;
      try {
        return JSON.parse(text);
      } catch (cause) {
        throw new OpenLegionError(
          {
            code: 'upstream_failed',
            rule: `engine.${call.operation}`,
            message: `The container engine answered "${call.operation}" with something that is not JSON.`,
            remedy: 'Check that the address is that of a container engine.',
          },
          { cause },
        );
      }
    },
    hijack(call) {
      const { promise, resolve, reject } = Promise.withResolvers<{ socket: Socket; head: Buffer }>();
      const request = send({ ...call, idleTimeoutMs: 0 }, true);
      request.on('error', (error) => reject(failed(call, error)));
      request.on('upgrade', (_response, socket, head) => resolve({ socket: socket as Socket, head }));
      request.on('response', (response) => {
        response.on('error', () => {});
        refuse(call, response).then(reject, reject);
      });
      return promise;
    },
    close: () => agent.destroy(),
  };
}

async function refuse(call: EngineCall, response: IncomingMessage): Promise<EngineError> {
  const status = response.statusCode ?? 500;
  const text = await readText(response, 64 * 1024).catch(() => '');
  let message = text;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed)
      message = String(parsed.message);
  } catch {
    // Proxies and old engines answer in plain text: the text is then the message.
  }
  return new EngineError(call.operation, status, message);
}

async function readText(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      response.destroy();
      throw new Error(`answer of more than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
