import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { refuse } from '../refuse.ts';
import { type Flow, pump } from './pump.ts';
import { answerHeaders, type Cleaner, reasonOf } from './relay-answer.ts';

interface End {
  socket: Duplex;
  /** What it said before it was asked. */
  head: Buffer;
}

export interface BothWays {
  up: Omit<Flow, 'pass'>;
  down: Omit<Flow, 'pass'>;
}

/** Joins two ends until both have ended, or one breaks; then neither is left open. */
export async function splice(
  client: End,
  upstream: End,
  flows: BothWays,
  cleaner: Cleaner | null,
): Promise<void> {
  for (const { socket, head } of [client, upstream]) {
    socket.on('error', () => {});
    if (head.length > 0) socket.unshift(head);
  }
  const scrubber = cleaner?.stream();
  try {
    await Promise.all([
      pump(client.socket, upstream.socket, { ...flows.up, pass: (chunk) => chunk }).then(() =>
        upstream.socket.end(),
      ),
      pump(upstream.socket, client.socket, {
        ...flows.down,
        pass: (chunk) => scrubber?.push(chunk) ?? chunk,
      }).then(() => client.socket.end(scrubber?.end())),
    ]);
  } finally {
    for (const { socket } of [client, upstream]) if (!socket.writableFinished) socket.destroy();
  }
}

/**
 * Passes a 101 on and joins the two. What the server says is scrubbed without changing a length, for frames have one.
 * Throws `upstream_failed` when it changed to something else than WebSocket.
 */
export async function relayUpgrade(
  answer: IncomingMessage,
  client: End,
  upstream: End,
  cleaner: Cleaner | null,
  flows: BothWays,
): Promise<void> {
  if (answer.statusCode !== 101 || answer.headers.upgrade?.toLowerCase() !== 'websocket') {
    upstream.socket.destroy();
    throw refuse(
      'upstream_failed',
      'egress.upgrade',
      'The server changed to no WebSocket.',
      'Nothing can be done here.',
    );
  }
  const flat = answerHeaders(answer, cleaner);
  const lines = flat.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${flat[at + 1]}`] : []));
  const head = [
    `HTTP/1.1 101 ${reasonOf(answer, cleaner)}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    ...lines,
  ];
  client.socket.write(`${head.join('\r\n')}\r\n\r\n`, 'latin1');
  await splice(client, upstream, flows, cleaner);
}
