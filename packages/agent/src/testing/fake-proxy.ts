import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { createSendOutside, type SendOutside } from '../tools/send-outside.ts';
import { OUTSIDE_CERTIFICATE, OUTSIDE_KEY } from './outside-certificate.ts';

export interface SeenRequest {
  method: string;
  /** As it stood in the request line. */
  target: string;
  /** Of the CONNECT that it came through; null for plain HTTP. */
  connect: string | null;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface OutsideReply {
  status?: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** The answer is begun and never ended; `broken`: it is cut off instead. */
  end?: 'never' | 'broken';
}

/** A proxy on loopback that is the outside too: `reply` answers each request, `refusal` a CONNECT where it gives one. */
export async function fakeProxy(options: {
  reply: (request: SeenRequest) => OutsideReply;
  refusal?: (place: string) => { status: number; body: string; end?: 'never' } | undefined;
}): Promise<{ send: SendOutside; seen: SeenRequest[]; port: number } & AsyncDisposable> {
  const seen: SeenRequest[] = [];
  const places = new WeakMap<object, string>();
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const connect = places.get(request.socket) ?? null;
    const { method = '', url: target = '', headers } = request;
    const one = { method, target, connect, headers, body: await text(request) };
    seen.push(one);
    const { status = 200, headers: answered = {}, body = '', end } = options.reply(one);
    response.writeHead(status, answered);
    if (end === undefined) return response.end(body);
    response.write(body, () => end === 'broken' && response.destroy());
  };
  const outside = createTlsServer({ key: OUTSIDE_KEY, cert: OUTSIDE_CERTIFICATE }, handle);
  let place = '';
  outside.on('secureConnection', (socket) => places.set(socket, place));
  const proxy = createServer(handle);
  proxy.on('connect', (request, socket) => {
    socket.on('error', () => {});
    place = request.url ?? '';
    const refused = options.refusal?.(place);
    if (refused) {
      socket.write(`HTTP/1.1 ${refused.status} No\r\nconnection: close\r\n\r\n${refused.body}`);
      if (refused.end !== 'never') socket.end();
      return;
    }
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    outside.emit('connection', socket);
  });
  const sockets = new Set<Socket>();
  proxy.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  return {
    send: createSendOutside(port, () => OUTSIDE_CERTIFICATE),
    seen,
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
