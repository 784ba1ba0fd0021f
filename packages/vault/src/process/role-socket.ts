import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { isDiskFull, type Transaction } from './database.ts';
import { createJsonLineReader, LINE_BYTES } from './json-lines.ts';
import { answerTooLarge, diskFull, internalFault, otherRole } from './keeper-refusals.ts';
import { parseRequest } from './keeper-requests.ts';
import { VaultError } from './vault-error.ts';

/** The ids of what one connection has open: reservations not settled, requests to the outside not ended. */
export type Connection = Set<string>;

/** Does one operation. `args` is not parsed yet; throws the refusal. */
export type Operation = (args: unknown, connection: Connection) => unknown;

export interface RoleSocketOptions {
  operations: ReadonlyMap<string, Operation>;
  /** Commits together what came together, before any of it is answered. */
  together: Transaction;
  started(connection: Connection): void;
  /** A connection has ended, whoever ended it; called once for each. */
  ended(connection: Connection): void;
  /** For faults of our own; must not print what it is given. */
  failed(error: unknown): void;
}

/** Answers that a peer has not read; beyond it, its further requests wait unread. */
const UNREAD_BYTES = 4 * LINE_BYTES;
const MOST_CONNECTIONS = 64;

/**
 * Listens for one role on a socket that only its owner can open (0600 from the moment it exists). A line that does
 * not parse ends that connection and nothing else. Requests of one connection are done and answered in order; those
 * that arrive in one read share one commit.
 */
export async function listenForRole(path: string, options: RoleSocketOptions): Promise<Server> {
  const server = createServer({ allowHalfOpen: false }, (socket) => serve(socket, options));
  server.maxConnections = MOST_CONNECTIONS;
  rmSync(path, { force: true });
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(mask);
  }
  server.on('error', options.failed);
  return server;
}

function serve(socket: Socket, { operations, together, started, ended, failed }: RoleSocketOptions): void {
  const reader = createJsonLineReader(LINE_BYTES);
  const connection: Connection = new Set();
  started(connection);
  let lines: Generator<unknown, void> | null = null;

  function pump(): void {
    while (lines && !socket.destroyed && socket.writableLength < UNREAD_BYTES) answerTogether(lines);
    if (lines) socket.pause();
    else socket.resume();
  }

  /** As many of the lines as their answers have room. Where the commit fails, none was done and all are refused. */
  function answerTogether(waiting: Generator<unknown, void>): void {
    const asked: number[] = [];
    let replies: string[] = [];
    let bytes = 0;
    let isBad = false;
    try {
      together(() => {
        while (bytes < LINE_BYTES) {
          const line = nextLine(waiting);
          isBad = line === 'bad';
          if (line === 'bad' || line === null) {
            lines = null;
            return;
          }
          asked.push(line.id);
          const reply = answer(line);
          bytes += reply.length;
          replies.push(reply);
        }
      });
    } catch (error) {
      failed(error);
      replies = asked.map((id) => refusalLine(id, error));
    }
    if (replies.length > 0) socket.write(replies.join(''));
    if (isBad) socket.destroy();
  }

  function answer({ id, op, args }: ReturnType<typeof parseRequest>): string {
    try {
      const operation = operations.get(op);
      if (!operation) throw otherRole();
      const reply = `${JSON.stringify({ id, ok: true, result: operation(args, connection) })}\n`;
      if (Buffer.byteLength(reply) > LINE_BYTES) throw answerTooLarge();
      return reply;
    } catch (error) {
      if (!(error instanceof VaultError)) failed(error);
      return refusalLine(id, error);
    }
  }

  socket.on('data', (chunk) => {
    lines = reader.push(chunk);
    pump();
  });
  socket.on('drain', pump);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    lines = null;
    try {
      ended(connection);
    } catch (error) {
      // What it left open stays reserved, and is charged at the next start.
      failed(error);
    }
  });
}

function nextLine(lines: Generator<unknown, void>): ReturnType<typeof parseRequest> | 'bad' | null {
  try {
    const line = lines.next();
    return line.done ? null : parseRequest(line.value, 'request');
  } catch {
    return 'bad';
  }
}

/** A full disk is told; every other fault says nothing of itself outside this process. */
function refusalLine(id: number, error: unknown): string {
  const told = error instanceof VaultError ? error : isDiskFull(error) ? diskFull() : internalFault();
  return `${JSON.stringify({ id, ok: false, refusal: told.refusal })}\n`;
}
