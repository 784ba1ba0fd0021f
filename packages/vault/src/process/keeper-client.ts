import { connect, type Socket } from 'node:net';
import type { KeeperOperations } from '@openlegion/contract/keeper-protocol';
import type { Refusal } from '@openlegion/contract/refusal';
import { createJsonLineReader, LINE_BYTES } from './json-lines.ts';
import { type ClientRole, KEEPER_ANSWERS, parseAnswerEnvelope } from './keeper-answers.ts';
import type { Parser } from './strict-parser.ts';
import { VaultError } from './vault-error.ts';

export type KeeperOutcome<T> = { ok: true; result: T } | { ok: false; refusal: Refusal };

type Operation<R extends ClientRole> = keyof KeeperOperations[R] & string;
type Part<R extends ClientRole, O extends Operation<R>, P> = KeeperOperations[R][O] extends infer X
  ? P extends keyof X
    ? X[P]
    : never
  : never;

/**
 * One connection to a keeper socket, over which any number of calls wait at once.
 *
 * A reservation belongs to the connection that made it: when that drops, the keeper charges it in full, and settling
 * it later is refused as `not_found`. So a call takes no signal: whoever gave up on a `reserve` could not settle it.
 */
export interface KeeperClient<R extends ClientRole> {
  /**
   * Never rejects. A refusal of the keeper's is returned as it came; `unavailable` when there is no connection, or
   * when it drops before the answer (the keeper may then have done what was asked); `too_large` for a request over
   * the line bound.
   */
  call<O extends Operation<R>>(
    operation: O,
    request: Part<R, O, 'request'>,
  ): Promise<KeeperOutcome<Part<R, O, 'answer'>>>;
  /** Resolves when a connection stands. Rejects with `unavailable` when `signal` aborts or the client is closed. */
  connected(signal: AbortSignal): Promise<void>;
  isConnected(): boolean;
  close(): void;
}

export interface KeeperClientOptions<R extends ClientRole> {
  role: R;
  socketPath: string;
  /** After a drop the next attempt follows at once, then after 50 ms, doubling up to 2 s. False: one attempt only. */
  reconnect: boolean;
}

interface PendingCall {
  parse: Parser<unknown>;
  resolve(outcome: KeeperOutcome<unknown>): void;
}

const BACKOFF_MS = { first: 50, most: 2000 };

export function createKeeperClient<R extends ClientRole>(options: KeeperClientOptions<R>): KeeperClient<R> {
  const pending = new Map<number, PendingCall>();
  const waiting = new Set<{ resolve(): void; reject(error: VaultError): void }>();
  const parsers = new Map<string, Parser<unknown>>(Object.entries(KEEPER_ANSWERS[options.role]));
  let socket: Socket | null = null;
  let ready = false;
  let closed = false;
  let lastId = 0;
  let unsent = '';
  let backoffMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let lastFailure = 'it was closed';

  function open(): void {
    const opened = connect({ path: options.socketPath });
    const reader = createJsonLineReader(LINE_BYTES);
    socket = opened;
    opened.on('connect', () => {
      ready = true;
      backoffMs = 0;
      for (const waiter of waiting) waiter.resolve();
      waiting.clear();
    });
    opened.on('data', (chunk) => {
      try {
        for (const value of reader.push(chunk)) answer(value);
      } catch {
        lastFailure = 'it answered with something that is not of its protocol';
        opened.destroy();
      }
    });
    opened.on('error', (error) => {
      lastFailure = 'code' in error ? String(error.code) : 'the connection failed';
    });
    opened.on('close', () => {
      ready = false;
      socket = null;
      unsent = '';
      for (const call of pending.values()) call.resolve({ ok: false, refusal: unavailable() });
      pending.clear();
      if (closed || !options.reconnect) {
        closed = true;
        for (const waiter of waiting) waiter.reject(new VaultError(unavailable()));
        waiting.clear();
        return;
      }
      timer = setTimeout(open, backoffMs);
      backoffMs = Math.min(Math.max(backoffMs * 2, BACKOFF_MS.first), BACKOFF_MS.most);
    });
  }

  /** What is asked within one turn of the event loop goes out in one write, and the keeper commits it together. */
  function send(line: string): void {
    if (unsent === '') setImmediate(flush);
    unsent += line;
  }

  function flush(): void {
    if (unsent !== '') socket?.write(unsent);
    unsent = '';
  }

  function answer(value: unknown): void {
    const envelope = parseAnswerEnvelope(value);
    const call = pending.get(envelope.id);
    if (!call) throw new Error('an answer to no call');
    const outcome: KeeperOutcome<unknown> = envelope.ok
      ? { ok: true, result: call.parse(envelope.result, 'result') }
      : { ok: false, refusal: envelope.refusal };
    pending.delete(envelope.id);
    call.resolve(outcome);
  }

  function unavailable(): Refusal {
    return {
      code: 'unavailable',
      rule: 'vault.keeper',
      message: `The vault's keeper cannot be reached (${lastFailure}).`,
      remedy: REMEDIES.get(lastFailure) ?? 'See `./openlegion status`; `./openlegion start` starts it.',
    };
  }

  open();

  return {
    async call(operation, request) {
      const parse = parsers.get(operation);
      if (!parse) throw new Error(`no operation ${operation}`);
      if (!socket || !ready) return { ok: false, refusal: unavailable() };
      lastId += 1;
      const id = lastId;
      const line = `${JSON.stringify({ id, op: operation, args: request })}\n`;
      if (Buffer.byteLength(line) > LINE_BYTES) return { ok: false, refusal: TOO_LARGE };
      const outcome = new Promise<KeeperOutcome<unknown>>((resolve) => pending.set(id, { parse, resolve }));
      send(line);
      // The parser of this operation made the result, so it is of this operation's type.
      return (await outcome) as KeeperOutcome<Part<R, typeof operation, 'answer'>>;
    },
    connected(signal) {
      if (ready) return Promise.resolve();
      if (closed || signal.aborted) return Promise.reject(new VaultError(unavailable()));
      return new Promise((resolve, reject) => {
        const abort = (): void => {
          waiting.delete(waiter);
          reject(new VaultError(unavailable()));
        };
        const waiter = {
          resolve: () => {
            signal.removeEventListener('abort', abort);
            resolve();
          },
          reject: (error: VaultError) => {
            signal.removeEventListener('abort', abort);
            reject(error);
          },
        };
        waiting.add(waiter);
        signal.addEventListener('abort', abort, { once: true });
      });
    },
    isConnected: () => ready,
    close() {
      closed = true;
      clearTimeout(timer);
      if (socket) socket.destroy();
      else for (const waiter of waiting) waiter.reject(new VaultError(unavailable()));
    },
  };
}

const REMEDIES = new Map([
  ['ENOENT', 'OpenLegion is not running here: start it with `./openlegion start -d`.'],
  ['ECONNREFUSED', 'OpenLegion has stopped without cleaning up: start it with `./openlegion start -d`.'],
  ['EACCES', 'Only the user who started OpenLegion may do this: run the command as that user.'],
]);

const TOO_LARGE: Refusal = {
  code: 'too_large',
  rule: 'protocol.line',
  message: `The request is larger than ${LINE_BYTES} bytes.`,
  remedy: 'Make it smaller.',
};
