import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Refusal } from '@openlegion/contract/refusal';
import { refusalStatus } from '../../process/refusal-status.ts';
import { refusalBody } from '../answer/answer-refusal.ts';
import type { EgressClock } from './egress-clock.ts';

/** The rule of what was sent to another host than its connection is for: 421, as RFC 9110 has it. */
export const MISDIRECTED = 'egress.host';
const statusOf = ({ rule, code }: Refusal): number => (rule === MISDIRECTED ? 421 : refusalStatus(code));

/** Long enough for a program that sends a body to look up and see the answer. */
const LINGER_MS = 1000;

/**
 * Answers a refusal, unless an answer has begun: then the connection is cut. Where the program is still sending, its
 * body is read and dropped for a moment, since closing on it could take the answer away before it was read.
 */
export function answerClient(
  clock: EgressClock,
  request: IncomingMessage,
  response: ServerResponse,
  refusal: Refusal,
): void {
  if (response.headersSent || response.destroyed) {
    request.socket.destroy();
    return;
  }
  const body = refusalBody(refusal);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  if (!request.complete) response.shouldKeepAlive = false;
  response.writeHead(statusOf(refusal), headers).write(body);
  const finish = (): void => {
    cancel();
    response.end();
  };
  const cancel = clock.after(request.complete ? 0 : LINGER_MS, finish);
  if (request.complete) finish();
  else request.once('close', finish).resume();
}

/** What a program still says is read and dropped: unread, it would hide that the program has left. */
export function endAndDrain(socket: Duplex, last = ''): void {
  socket.end(last).resume();
}

/** As it goes on a bare connection. Of a refused CONNECT many programs show nothing but the reason: the message is there too. */
export function refusedRaw(refusal: Refusal): string {
  const body = refusalBody(refusal);
  const reason = refusal.message.replace(/[^ -~]/g, '?').slice(0, 300);
  return `HTTP/1.1 ${statusOf(refusal)} ${reason}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
