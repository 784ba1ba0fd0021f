import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EgressRequest } from '@openlegion/contract/keeper-protocol';
import { VaultError } from '../../process/vault-error.ts';
import { refuse } from '../refuse.ts';
import type { Admissions, Outcome } from './admissions.ts';
import type { AgentLimits } from './agent-limits.ts';
import type { ClientConnection } from './client-connection.ts';
import { createDeadline } from './deadline.ts';
import type { EgressClock } from './egress-clock.ts';
import { createBodyGuard, findTokens } from './find-tokens.ts';
import { pump } from './pump.ts';
import { hostHeader, type Place, parseHost } from './read-place.ts';
import { createCleaner, relayAnswer } from './relay-answer.ts';
import { relayUpgrade } from './relay-upgrade.ts';
import { type Credential, outgoingHeaders } from './request-headers.ts';

export interface ForwardParts {
  admissions: Admissions;
  limits: AgentLimits;
  clock: EgressClock;
}

/** One request, read. */
export interface Ask {
  kind: EgressRequest['kind'];
  /** Null for a service, whose place the keeper knows. */
  place: Place | null;
  path: string;
  service: string | null;
}

/** A connection that stopped speaking HTTP, and what it said too early. */
export interface Upgraded {
  socket: Duplex;
  head: Buffer;
}

/** Without a byte in either direction; at most, with all its bytes. */
const TIMES = { idleMs: 300_000, totalMs: 4 * 3_600_000 };
const MAX_BODY_BYTES = 4 * 1024 ** 3;
const MAX_HEADER_BYTES = 64 * 1024;

/**
 * Decides one request, sends it with what the keeper released for it, and relays the answer. A refusal is thrown while
 * no answer has begun; afterwards the connection is cut. What was admitted is recorded as ended, however it ended.
 */
export async function forwardRequest(
  parts: ForwardParts,
  connection: ClientConnection,
  ask: Ask,
  request: IncomingMessage,
  response: ServerResponse,
  upgraded: Upgraded | null,
): Promise<void> {
  const { agent, traceId } = connection.caller;
  const { kind, place, path, service } = ask;
  parts.limits.request(agent);
  const tokens = findTokens(path, request.rawHeaders);
  const target = {
    kind,
    method: request.method ?? '',
    host: place?.host ?? '',
    port: place?.port ?? 443,
    path,
  };
  const admission = await parts.admissions.admit({ agent, traceId, ...target, tokens, service }, () =>
    request.socket.destroy(),
  );
  const outcome = { httpStatus: 0, bytesUp: 0, bytesDown: 0 };
  try {
    const { host, port, credential } = admission.answer;
    const to = place ?? { host: parseHost(host) ?? '', port };
    if (credential && !connection.secure) throw CLEARTEXT;
    await exchange(parts, connection, { to, path, credential }, request, response, upgraded, outcome);
  } finally {
    admission.done(outcome);
  }
}

async function exchange(
  { clock, limits }: ForwardParts,
  { caller, upstreams, secure }: ClientConnection,
  { to, path, credential }: { to: Place; path: string; credential: Credential | null },
  request: IncomingMessage,
  response: ServerResponse,
  upgraded: Upgraded | null,
  outcome: Outcome,
): Promise<void> {
  const headers = outgoingHeaders(request, hostHeader(to, secure ? 443 : 80), credential, upgraded !== null);
  const upstream = httpRequest({
    agent: upstreams,
    ...{ host: to.host, port: to.port, method: request.method ?? '', path, headers },
    ...{ maxHeaderSize: MAX_HEADER_BYTES, insecureHTTPParser: false },
  });
  const deadline = createDeadline(clock, TIMES, () => {
    upstream.destroy(LATE);
    if (response.headersSent) request.socket.destroy();
  });
  const gone = (): void => {
    if (!response.writableFinished) upstream.destroy();
  };
  response.once('close', gone);
  const waitMs = (bytes: number): number => {
    deadline.touch();
    if (outcome.bytesUp > MAX_BODY_BYTES || outcome.bytesDown > MAX_BODY_BYTES) throw TOO_LARGE;
    return limits.waitMs(caller.agent, bytes);
  };
  const up = {
    clock,
    waitMs: (bytes: number) => {
      outcome.bytesUp += bytes;
      return waitMs(bytes);
    },
  };
  const down = {
    clock,
    waitMs: (bytes: number) => {
      outcome.bytesDown += bytes;
      return waitMs(bytes);
    },
  };
  try {
    const replied = new Promise<{ answer: IncomingMessage; socket: Duplex | null; head: Buffer }>(
      (resolve, reject) => {
        upstream.once('response', (answer) => resolve({ answer, socket: null, head: Buffer.alloc(0) }));
        if (upgraded) upstream.once('upgrade', (answer, socket, head) => resolve({ answer, socket, head }));
        upstream.on('error', reject).once('close', () => reject(new Error('closed without an answer')));
      },
    );
    const guard = createBodyGuard();
    if (request.headers.expect !== undefined) response.writeContinue();
    const sent = pump(request, upstream, {
      ...up,
      pass(chunk) {
        guard(chunk);
        return chunk;
      },
    }).then(
      () => upstream.end(),
      (error: Error) => {
        upstream.destroy(error);
        throw error;
      },
    );
    sent.catch(() => {});
    const { answer, socket, head } = await replied;
    const status = answer.statusCode ?? 0;
    outcome.httpStatus = status;
    const cleaner = createCleaner(credential);
    if (upgraded && socket) {
      response.detachSocket(request.socket);
      await relayUpgrade(answer, upgraded, { socket, head }, cleaner, { up, down });
    } else await relayAnswer(answer, response, cleaner, down);
    await sent;
  } catch (error) {
    upstream.destroy();
    if (response.headersSent) request.socket.destroy();
    throw error instanceof VaultError ? error : broken(to, error);
  } finally {
    deadline.clear();
    response.off('close', gone);
  }
}

function broken({ host, port }: Place, cause: unknown): VaultError {
  return refuse(
    'upstream_failed',
    'egress.upstream',
    `${host}:${port} broke the connection off.`,
    'Try again later.',
    {
      cause,
    },
  );
}

const CLEARTEXT = refuse(
  'denied',
  'egress.cleartext',
  'A credential is never sent over plain HTTP.',
  'Use https.',
);
const LATE = refuse(
  'deadline_exceeded',
  'egress.idle',
  `Nothing came for ${TIMES.idleMs / 1000} s, or the whole took more than ${TIMES.totalMs / 3_600_000} h.`,
  'Try again; ask for less at a time.',
);
const TOO_LARGE = refuse(
  'too_large',
  'egress.body',
  `A request or an answer is at most ${MAX_BODY_BYTES / 1024 ** 3} GiB.`,
  'Send or fetch it in parts.',
);
