import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EgressRequest } from '@openlegion/contract/keeper-protocol';
import { hostHeader, type Place, parseHost } from '../../address/read-place.ts';
import { refuse } from '../../process/refuse.ts';
import { VaultError } from '../../process/vault-error.ts';
import type { Admissions, Outcome } from './admissions.ts';
import type { AgentLimits } from './agent-limits.ts';
import type { ClientConnection } from './client-connection.ts';
import type { EgressClock } from './egress-clock.ts';
import { createBodyGuard, findTokens } from './find-tokens.ts';
import { type Pace, pump } from './pump.ts';
import { relayAnswer, relayUpgrade } from './relay-answer.ts';
import { type Credential, outgoingHeaders } from './request-headers.ts';

export interface ForwardParts {
  admissions: Admissions;
  limits: AgentLimits;
  clock: EgressClock;
}

/** One request, read, and who is to be answered. */
export interface Ask {
  kind: EgressRequest['kind'];
  /** Null for a service, whose place the keeper knows. */
  place: Place | null;
  path: string;
  service: string | null;
  request: IncomingMessage;
  response: ServerResponse;
  /** Of a request to change to WebSocket: its connection, and what came too early. */
  upgraded: { socket: Duplex; head: Buffer } | null;
}

/** Without a byte in either direction; and at most, however many came. */
const [IDLE_MS, TOTAL_MS] = [300_000, 4 * 3_600_000];
const MAX_BODY_BYTES = 4 * 1024 ** 3;
const MAX_HEADER_BYTES = 64 * 1024;

/**
 * Decides one request, sends it with what the keeper released for it, and relays the answer. A refusal is thrown; where
 * an answer has begun the connection is cut. What was admitted is recorded as ended, however it ended.
 */
export async function forwardRequest(parts: ForwardParts, from: ClientConnection, ask: Ask): Promise<void> {
  const { kind, path, service, request } = ask;
  const place = ask.place ?? { host: '', port: 443 };
  parts.limits.request(from.caller.agent);
  const tokens = findTokens(path, request.rawHeaders);
  const asked = { ...from.caller, kind, method: request.method ?? '', ...place, path, tokens, service };
  const admission = await parts.admissions.admit(asked, () => request.socket.destroy());
  const outcome = { httpStatus: 0, bytesUp: 0, bytesDown: 0 };
  try {
    const { host, port, credential } = admission.answer;
    // The keeper sees to both; what it let through goes no further.
    if (!from.secure && (credential || tokens.length > 0)) throw CLEARTEXT;
    if (!credential && tokens.length > 0) throw UNSWAPPED;
    const to = ask.place ?? { host: parseHost(host) ?? '', port };
    await exchange(parts, from, ask, { to, credential }, outcome);
  } finally {
    admission.done(outcome);
  }
}

/** How one direction is counted against the agent's limits, and in what is recorded. */
export function paceOf(
  { clock, limits }: ForwardParts,
  agent: string,
  outcome: Outcome,
  direction: 'bytesUp' | 'bytesDown',
  touch: () => void = () => {},
): Pace {
  const waitMs = (bytes: number): number => {
    touch();
    outcome[direction] += bytes;
    if (outcome[direction] > MAX_BODY_BYTES) throw TOO_LARGE;
    return limits.waitMs(agent, bytes);
  };
  return { clock, waitMs };
}

async function exchange(
  parts: ForwardParts,
  { caller, upstreams, secure }: ClientConnection,
  { path, request, response, upgraded }: Ask,
  { to, credential }: { to: Place; credential: Credential | null },
  outcome: Outcome,
): Promise<void> {
  const headers = outgoingHeaders(request, hostHeader(to, secure ? 443 : 80), credential, upgraded !== null);
  const upstream = httpRequest({
    ...{ agent: upstreams, host: to.host, port: to.port, method: request.method ?? '', path, headers },
    ...{ maxHeaderSize: MAX_HEADER_BYTES, insecureHTTPParser: false },
  });
  const late = (): void => {
    upstream.destroy(LATE);
    if (response.headersSent) request.socket.destroy();
  };
  const timers = [parts.clock.after(IDLE_MS, late), parts.clock.after(TOTAL_MS, late)];
  const touch = (): void => {
    timers[0]?.();
    timers[0] = parts.clock.after(IDLE_MS, late);
  };
  const up = paceOf(parts, caller.agent, outcome, 'bytesUp', touch);
  const down = paceOf(parts, caller.agent, outcome, 'bytesDown', touch);
  const gone = (): void => {
    if (!response.writableFinished) upstream.destroy();
  };
  response.once('close', gone);
  try {
    const replied = new Promise<[IncomingMessage, Duplex?, Buffer?]>((resolve, reject) => {
      upstream.once('response', (answer) => resolve([answer]));
      if (upgraded) upstream.once('upgrade', (...reply) => resolve(reply));
      upstream.on('error', reject).once('close', () => reject(new Error('closed without an answer')));
    });
    if (request.headers.expect !== undefined) response.writeContinue();
    const sent = pump(request, upstream, up, createBodyGuard()).then(() => upstream.end());
    sent.catch((error: Error) => upstream.destroy(error));
    const [answer, socket, head = Buffer.alloc(0)] = await replied;
    outcome.httpStatus = answer.statusCode ?? 0;
    if (upgraded && socket) {
      response.detachSocket(request.socket);
      await relayUpgrade(answer, { ...upgraded, pace: up }, { socket, head, pace: down }, credential);
    } else await relayAnswer(answer, response, credential, down);
    await sent;
  } catch (cause) {
    upstream.destroy();
    if (response.headersSent) request.socket.destroy();
    if (cause instanceof VaultError) throw cause;
    const message = `${to.host}:${to.port} broke the connection off.`;
    throw refuse('upstream_failed', 'egress.upstream', message, 'Try again later.', { cause });
  } finally {
    for (const cancel of timers) cancel();
    response.off('close', gone);
  }
}

const ONE_HEADER = 'A placeholder or $CRED{…} is for the one header that its service takes it in.';
const UNSWAPPED = refuse('denied', 'egress.token', 'A placeholder stands where none is swapped.', ONE_HEADER);
const CLEAR = 'A credential is never sent over plain HTTP.';
const CLEARTEXT = refuse('denied', 'egress.cleartext', CLEAR, 'Use https.');
const SLOW = `Nothing came for ${IDLE_MS / 1000} s, or the whole took more than ${TOTAL_MS / 3_600_000} h.`;
const LATE = refuse('deadline_exceeded', 'egress.idle', SLOW, 'Try again; ask for less at a time.');
const LARGE = `A request or an answer is at most ${MAX_BODY_BYTES / 1024 ** 3} GiB.`;
const TOO_LARGE = refuse('too_large', 'egress.body', LARGE, 'Send or fetch it in parts.');
