/*
 * any program in the container → 127.0.0.1:3128 → CONNECT egress (pipe) → host → gateway, which is the proxy
 */
import { constants } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Refusal, RefusalBody } from '@openlegion/contract/refusal';
import { REFUSAL_STATUS } from '@openlegion/contract/refusal-status';
import type { EgressDialler } from '../pipe/pipe.ts';
import { splice } from './splice.ts';

/** As many as the host takes of one agent. */
const CONNECTIONS = 48;
/** How long a program may take to read that it was refused. */
const LINGER_MS = 5000;

/**
 * Listens on loopback and carries bytes: nothing of what a program says is read here. A connection that the mesh
 * refuses is answered as a proxy would, so that the program shows why; whatever fails ends its own connection alone.
 * Rejects where the port is taken.
 */
export function serveProxy(dial: EgressDialler, port: number): Promise<Server> {
  let open = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => {});
    if (open >= CONNECTIONS) return answer(socket, TOO_MANY);
    open++;
    socket.on('close', () => open--);
    connect(socket, dial);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

/** Reads nothing from the program until the mesh has answered: what it sends meanwhile waits in the kernel. */
function connect(socket: Socket, dial: EgressDialler): void {
  socket.pause();
  dial().then(
    (stream) => {
      const cancel = () => stream.close(constants.NGHTTP2_CANCEL);
      const lost = () => answer(socket, AWAY);
      if (socket.destroyed) return cancel();
      if (stream.destroyed) return lost();
      socket.once('close', cancel);
      stream.on('error', lost);
      stream.once('close', lost);
      stream.once('response', (headers) => {
        stream.off('close', lost);
        if (headers[':status'] === 200) {
          socket.off('close', cancel);
          stream.off('error', lost);
          return splice(socket, stream);
        }
        text(stream).then(
          (body) => refuse(socket, Number(headers[':status']), body),
          () => answer(socket, AWAY),
        );
      });
    },
    () => answer(socket, AWAY),
  );
}

function answer(socket: Socket, refusal: Refusal): void {
  const body: RefusalBody = { type: 'error', error: { type: 'openlegion_refusal', ...refusal } };
  refuse(socket, REFUSAL_STATUS[refusal.code], JSON.stringify(body));
}

function refuse(socket: Socket, status: number, body: string): void {
  if (socket.destroyed || socket.writableEnded) return;
  const head = [
    `HTTP/1.1 ${status} Refused`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  // What the program still sends is let go: closing over unread bytes would reset the answer away.
  socket.resume();
  socket.setTimeout(LINGER_MS, () => socket.destroy());
}

const TOO_MANY: Refusal = {
  code: 'rate_limited',
  rule: 'egress.connections',
  message: `More than ${CONNECTIONS} connections to the outside at a time.`,
  remedy: 'Wait for one to end, or use fewer at once.',
};

const AWAY: Refusal = {
  code: 'unavailable',
  rule: 'egress.pipe',
  message: 'The mesh ended the connection before it answered.',
  remedy: 'Try again.',
};
