import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  text: string;
  body: unknown;
}

export type Behaviour = (
  response: ServerResponse,
  seen: SeenRequest,
  request: IncomingMessage,
) => void | Promise<void>;

export interface FakeProvider extends AsyncDisposable {
  origin: string;
  port: number;
  seen: SeenRequest[];
  behave: Behaviour;
}

/** A provider on loopback that does what a test says; it hears every request whole. */
export async function startFakeProvider(behave: Behaviour): Promise<FakeProvider> {
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const text = Buffer.concat(parts).toString('utf8');
    const { method = '', url = '', headers, rawHeaders } = request;
    const seen = { method, url, headers, rawHeaders, text, body: JSON.parse(text) };
    provider.seen.push(seen);
    response.on('error', () => {});
    await provider.behave(response, seen, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const provider: FakeProvider = {
    origin: `http://127.0.0.1:${port}`,
    port,
    seen: [],
    behave,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return provider;
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Behaviour {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** Server-sent events, each written on its own. */
export function events(...list: unknown[]): Behaviour {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of list) response.write(eventText(event));
    response.end();
  };
}

export function eventText(event: unknown): string {
  return `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`;
}
