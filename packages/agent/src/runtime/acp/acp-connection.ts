import { setTimeout as wait } from 'node:timers/promises';
import { readLines } from '../read-lines.ts';
import { RUNTIME_LIMITS } from '../runtime-limits.ts';
import { brokenProtocol, programFailed } from '../runtime-refusals.ts';
import type { Program } from '../start-program.ts';
import { RpcMessage } from './messages.ts';

/** What the program answered, asked or told. An answer carries the id of our request. */
export type Received =
  | { type: 'result'; id: number; result: unknown }
  | { type: 'error'; id: number; message: string }
  | { type: 'request'; id: string | number | null; method: string; params: unknown }
  | { type: 'notification'; method: string; params: unknown };

/** JSON-RPC over a program's standard input and output, one message a line. Nothing is read that is not asked for. */
export interface AcpConnection {
  request(method: string, params: object): number;
  notify(method: string, params: object): void;
  reply(id: string | number | null, result: unknown): void;
  refuse(id: string | number | null, code: number, message: string): void;
  /** The next message. Throws when the program has ended; `late` when none comes by then. Lines that are none are left out. */
  next(deadline: AbortSignal): Promise<Received | 'late'>;
  /** For requests whose only answer is awaited, while a session opens. */
  call(method: string, params: object, deadline: AbortSignal): Promise<unknown>;
}

export function connectAcp(program: Program): AcpConnection {
  const lines = readLines(program.output(), RUNTIME_LIMITS.lineBytes);
  let ids = 0;
  let pending: Promise<IteratorResult<string | null, void>> | undefined;
  const send = (message: object) => program.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

  const next = async (deadline: AbortSignal): Promise<Received | 'late'> => {
    for (;;) {
      pending ??= lines.next();
      const line = await orLate(pending, deadline);
      if (line === 'late') return 'late';
      pending = undefined;
      if (line.done) {
        const { code, signal } = await program.exited;
        throw programFailed(program.name, `ended (${signal ?? `code ${code}`})`, program.lastWords());
      }
      const received = line.value === null ? undefined : parse(line.value);
      if (received !== undefined) return received;
    }
  };
  const connection: AcpConnection = {
    request(method, params) {
      ids++;
      send({ id: ids, method, params });
      return ids;
    },
    notify: (method, params) => send({ method, params }),
    reply: (id, result) => send({ id, result }),
    refuse: (id, code, message) => send({ id, error: { code, message } }),
    next,
    async call(method, params, deadline) {
      const id = connection.request(method, params);
      for (;;) {
        const received = await next(deadline);
        if (received === 'late') {
          throw programFailed(program.name, `did not answer ${method} in time`, program.lastWords());
        }
        if (received.type === 'request') connection.refuse(received.id, -32_601, 'no session is open yet');
        if (received.type === 'notification' || received.type === 'request' || received.id !== id) continue;
        if (received.type === 'result') return received.result;
        throw brokenProtocol(program.name, `it refused ${method}: ${received.message}`);
      }
    },
  };
  return connection;
}

async function orLate<Value>(value: Promise<Value>, deadline: AbortSignal): Promise<Value | 'late'> {
  if (deadline.aborted) return await Promise.race([value, wait(0, 'late' as const)]);
  const late = Promise.withResolvers<'late'>();
  const onAbort = () => late.resolve('late');
  deadline.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([value, late.promise]);
  } finally {
    deadline.removeEventListener('abort', onAbort);
  }
}

function parse(line: string): Received | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const parsed = RpcMessage.safeParse(value);
  if (!parsed.success) return undefined;
  const message = parsed.data;
  if ('method' in message) {
    const { method, params } = message;
    return 'id' in message
      ? { type: 'request', id: message.id, method, params }
      : { type: 'notification', method, params };
  }
  // Ours are numbers; anything else answers nothing that we asked.
  if (typeof message.id !== 'number') return undefined;
  if ('error' in message) return { type: 'error', id: message.id, message: message.error.message };
  return { type: 'result', id: message.id, result: message.result };
}
