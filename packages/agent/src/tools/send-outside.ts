/*
 * tool → 127.0.0.1:3128 (proxy) → CONNECT, and TLS within it, or an absolute-form request
 */
import type { IncomingMessage, RequestOptions } from 'node:http';
import type { Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { parseRefusal } from '../mesh/read-answer.ts';

const REFUSAL_BYTES = 64 * 1024;

export interface OutsideRequest {
  method: string;
  /** `https:` or `http:`. */
  url: URL;
  headers?: Record<string, string>;
  body?: string;
}

export interface OutsideAnswer {
  status: number;
  statusText: string;
  headers: [name: string, value: string][];
  body: Buffer;
  /** Why `body` is not the whole of it: the bound was reached, or it broke off. */
  cut: 'bound' | 'broken' | null;
}

/**
 * Sends one request through the agent's proxy and reads its answer, `maxBytes` of it at most. Redirects are answers
 * like others. Throws the refusal of the way out as itself, the signal's reason when it aborts before the answer
 * began, and what else goes wrong on the way as it is.
 */
export type SendOutside = (
  request: OutsideRequest,
  options: { maxBytes: number; signal: AbortSignal },
) => Promise<OutsideAnswer>;

/** The same, to its head alone: whoever asked reads the rest. */
export type OpenOutside = (request: OutsideRequest, signal: AbortSignal) => Promise<IncomingMessage>;

/** Nothing of it is loaded before its first use. `authority` reads what the proxy's certificates are signed by. */
export function createOpenOutside(port: number, authority: () => string): OpenOutside {
  const proxy = { host: '127.0.0.1', port, agent: false as const };
  return async ({ method, url, headers, body }, signal) => {
    const common = { method, headers: { ...headers, host: url.host }, setHost: false, signal };
    const path = url.pathname + url.search;
    try {
      return await exchange(
        url.protocol === 'https:'
          ? { ...common, path, createConnection: await tunnel(url, proxy, authority, signal) }
          : { ...common, ...proxy, path: url.origin + path },
        body,
      );
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  };
}

export function createSendOutside(port: number, authority: () => string): SendOutside {
  const open = createOpenOutside(port, authority);
  return async (request, { maxBytes, signal }) => {
    try {
      return orRefusal(await readAnswer(await open(request, signal), maxBytes));
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  };
}

async function exchange(options: RequestOptions, body: string | undefined): Promise<IncomingMessage> {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const sent = request(options, resolve);
    sent.on('error', reject);
    sent.end(body);
  });
}

/** A connection to the host of `url` as the proxy has it: its name is checked against the agent's authority alone. */
async function tunnel(
  { hostname, port }: URL,
  proxy: RequestOptions,
  authority: () => string,
  signal: AbortSignal,
): Promise<() => Socket> {
  const [{ request }, { connect }] = await Promise.all([import('node:http'), import('node:tls')]);
  const place = `${hostname}:${port || 443}`;
  const socket = await new Promise<Socket>((resolve, reject) => {
    const asked = request({ ...proxy, method: 'CONNECT', path: place, headers: { host: place }, signal });
    asked.on('error', reject);
    asked.on('connect', ({ statusCode }, opened, head) => {
      // From here on it is no longer the request's, and would outlive its abort.
      addAbortSignal(signal, opened).on('error', () => {});
      if (statusCode === 200) return resolve(opened);
      opened.unshift(head);
      readBody(opened, REFUSAL_BYTES).then(({ body }) => {
        const refusal = parseRefusal(body.toString());
        reject(refusal ? new OpenLegionError(refusal) : new Error(`the proxy answered ${statusCode}`));
      }, reject);
    });
    asked.end();
  });
  // An address is no name that TLS could send; it is checked all the same.
  const address = /^\[|^[\d.]+$/.test(hostname);
  const name = address
    ? { host: hostname.replace(/^\[|\]$/g, '') }
    : { host: hostname, servername: hostname };
  const secure = connect({ socket, ca: authority(), ...name });
  return () => secure;
}

async function readAnswer(answer: IncomingMessage, maxBytes: number): Promise<OutsideAnswer> {
  const headers: [string, string][] = [];
  for (let at = 0; at < answer.rawHeaders.length; at += 2)
    headers.push([(answer.rawHeaders[at] ?? '').toLowerCase(), answer.rawHeaders[at + 1] ?? '']);
  const { statusCode: status = 0, statusMessage: statusText = '' } = answer;
  return { status, statusText, headers, ...(await readBody(answer, maxBytes)) };
}

async function readBody(source: AsyncIterable<Buffer>, maxBytes: number) {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let cut: OutsideAnswer['cut'] = null;
  try {
    for await (const chunk of source) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxBytes) {
        cut = 'bound';
        break;
      }
    }
  } catch {
    cut = 'broken';
  }
  return { body: Buffer.concat(chunks).subarray(0, maxBytes), cut };
}

function orRefusal(answer: OutsideAnswer): OutsideAnswer {
  const refusal =
    answer.status >= 400 && answer.body.length <= REFUSAL_BYTES && parseRefusal(answer.body.toString());
  if (refusal) throw new OpenLegionError(refusal);
  return answer;
}
