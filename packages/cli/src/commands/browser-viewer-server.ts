import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BrowserInputs } from '@openlegion/contract/browser-view';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { browserViewerPage } from './browser-viewer-page.ts';

const INPUT_BYTES = 256 * 1024;

export interface BrowserViewer {
  /** Good for one opening. */
  url: string;
  close(): Promise<void>;
}

/**
 * A page on this machine's loopback that shows frames and sends a person's input. Whoever opens its address first has
 * it; the address is then worth nothing, and every further request must carry what only that page was given. Requests
 * of other pages, or to another name of this machine, are refused.
 */
export async function serveBrowserViewer(parts: {
  agent: string;
  frames: (signal: AbortSignal) => Promise<Readable>;
  input: (inputs: BrowserInputs) => Promise<void>;
  /** A new secret at each call. */
  secret: () => string;
}): Promise<BrowserViewer> {
  let ticket: string | null = parts.secret();
  const session = parts.secret();
  let host = '';

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, headers } = request;
    const url = new URL(request.url ?? '/', `http://${host}`);
    const foreign = headers.origin !== undefined && headers.origin !== `http://${host}`;
    const site = headers['sec-fetch-site'] ?? 'none';
    if (headers.host !== host || foreign || !['none', 'same-origin'].includes(String(site)))
      return refuse(response, 403);
    if (method === 'GET' && url.pathname === '/') {
      const given = url.searchParams.get('ticket') ?? '';
      if (ticket === null || !same(given, ticket)) return refuse(response, 403);
      ticket = null;
      const nonce = parts.secret();
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.setHeader(
        'content-security-policy',
        `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; img-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      );
      response.end(browserViewerPage({ agent: parts.agent, session, nonce }));
      return;
    }
    if (!same(headers.authorization ?? '', `Bearer ${session}`)) return refuse(response, 403);
    if (method === 'GET' && url.pathname === '/frames') {
      const stop = new AbortController();
      response.on('close', () => stop.abort());
      const frames = await parts.frames(stop.signal);
      response.setHeader('content-type', 'application/x-ndjson');
      await pipeline(frames, response);
      return;
    }
    if (method === 'POST' && url.pathname === '/input') {
      const inputs = BrowserInputs.safeParse(await readJson(request));
      if (!inputs.success) return refuse(response, 400);
      await parts.input(inputs.data);
      response.writeHead(204).end();
      return;
    }
    refuse(response, 404);
  }

  const server = createServer((request, response) => {
    response.setHeader('cache-control', 'no-store');
    response.setHeader('referrer-policy', 'no-referrer');
    response.setHeader('x-content-type-options', 'nosniff');
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent) return response.destroy();
      const refusal = error instanceof OpenLegionError ? `${error.message} ${error.remedy}` : 'It failed.';
      response.writeHead(502, { 'content-type': 'text/plain; charset=utf-8' }).end(refusal);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  return {
    url: `http://${host}/?ticket=${ticket}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const piece = Buffer.from(chunk);
    bytes += piece.length;
    if (bytes > INPUT_BYTES) return undefined;
    chunks.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end('This is not for you.');
}

function same(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
