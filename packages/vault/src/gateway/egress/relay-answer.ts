import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { refuse } from '../../process/refuse.ts';
import { createScrubber, type Scrubber, secretForms } from '../../scrub/scrub.ts';
import { type Pace, pump } from './pump.ts';
import { basic, type Credential, endToEnd } from './request-headers.ts';

/** What is taken out of an answer: everything that the secret could look like in it, without changing a length. */
interface Cleaner {
  stream(): Scrubber;
  text(text: string): string;
}

/** Nothing is taken out where nothing was sent. */
function createCleaner(credential: Credential | null): Cleaner {
  const { secret = '', user = '' } = credential ?? {};
  const forms = credential ? [...secretForms(secret), Buffer.from(basic(`${user}:${secret}`).slice(6))] : [];
  const stream = (): Scrubber => createScrubber(forms, 'same length');
  const text = (given: string): string => {
    const scrubber = stream();
    return Buffer.concat([scrubber.push(Buffer.from(given, 'latin1')), scrubber.end()]).toString('latin1');
  };
  return { stream, text };
}

/** Status line and headers as they may be shown; a header whose name holds the secret is left out. */
function readHead(answer: IncomingMessage, cleaner: Cleaner) {
  const { statusCode = 502, statusMessage = '', rawHeaders, headers } = answer;
  const length = headers['content-length'];
  const kept = cleaned(endToEnd(rawHeaders, headers.connection), cleaner);
  if (length !== undefined) kept.push(['Content-Length', length]);
  return { statusCode, reason: cleaner.text(statusMessage.replace(/[^ -~]/g, '?')), headers: kept };
}

const cleaned = (headers: [string, string][], cleaner: Cleaner): [string, string][] =>
  headers.filter(([name]) => cleaner.text(name) === name).map(([name, value]) => [name, cleaner.text(value)]);

/**
 * Streams an answer to its end, trailers included. Throws `upstream_failed` where a secret was sent and the answer
 * cannot be searched for it; rejects when either side breaks off.
 */
export async function relayAnswer(
  answer: IncomingMessage,
  response: ServerResponse,
  credential: Credential | null,
  pace: Pace,
): Promise<void> {
  const cleaner = createCleaner(credential);
  const { 'content-encoding': encoding = 'identity', 'transfer-encoding': framing = 'chunked' } =
    answer.headers;
  if (framing.toLowerCase() !== 'chunked' || (credential && encoding.trim().toLowerCase() !== 'identity')) {
    const message =
      'The answer is encoded although it was asked not to be: it cannot be searched for the credential.';
    throw refuse(
      'upstream_failed',
      'egress.encoding',
      message,
      'The service does not follow Accept-Encoding.',
    );
  }
  const { statusCode, reason, headers } = readHead(answer, cleaner);
  response.sendDate = false;
  response.writeHead(statusCode, reason, headers.flat());
  // With the first piece where it is there already, and not waiting for it where it is not.
  setImmediate(() => response.flushHeaders());
  const scrubber = cleaner.stream();
  await pump(answer, response, pace, scrubber.push);
  const rest = scrubber.end();
  if (rest.length > 0) response.write(rest);
  response.addTrailers(cleaned(endToEnd(answer.rawTrailers), cleaner));
  response.end();
}

/** One end of two that are joined. */
export interface End {
  socket: Duplex;
  /** What it said before it was asked. */
  head: Buffer;
  /** Of what it says. */
  pace: Pace;
}

/** Passes a 101 on and joins the two. Throws `upstream_failed` when it is none of a WebSocket. */
export async function relayUpgrade(
  answer: IncomingMessage,
  client: End,
  upstream: End,
  credential: Credential | null,
): Promise<void> {
  if (answer.statusCode !== 101 || answer.headers.upgrade?.toLowerCase() !== 'websocket') {
    upstream.socket.destroy();
    throw refuse(
      'upstream_failed',
      'egress.upgrade',
      'The server changed to no WebSocket.',
      'Ask its operator.',
    );
  }
  const cleaner = createCleaner(credential);
  const { reason, headers } = readHead(answer, cleaner);
  const lines = [['Connection', 'Upgrade'], ['Upgrade', 'websocket'], ...headers].map((line) =>
    line.join(': '),
  );
  client.socket.write(`${[`HTTP/1.1 101 ${reason}`, ...lines].join('\r\n')}\r\n\r\n`, 'latin1');
  await splice(client, upstream, cleaner.stream());
}

/** Joins two ends until both have ended, or one breaks; then neither is left open. */
export async function splice(client: End, upstream: End, scrubber: Scrubber): Promise<void> {
  const ends = [client, upstream];
  for (const { socket, head } of ends) {
    socket.on('error', () => {});
    if (head.length > 0) socket.unshift(head);
  }
  const up = pump(client.socket, upstream.socket, client.pace, (chunk) => chunk);
  const down = pump(upstream.socket, client.socket, upstream.pace, scrubber.push);
  try {
    await Promise.all([
      up.then(() => upstream.socket.end()),
      down.then(() => client.socket.end(scrubber.end())),
    ]);
  } finally {
    for (const { socket } of ends) if (!socket.writableFinished) socket.destroy();
  }
}
