import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createJsonLineReader } from '../process/json-lines.ts';
import { LINE_BYTES } from '../process/keeper-client.ts';
import { parseRequest } from '../process/keeper-requests.ts';
import { VaultError } from '../process/vault-error.ts';
import type { Connection } from './model-calls.ts';
import { isDiskFull } from './open-database.ts';
import type { Operation } from './operations.ts';

export interface RoleSocketOptions {
  path: string;
  operations: ReadonlyMap<string, Operation>;
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
 * not parse ends that connection and nothing else. Requests of one connection are done and answered in order.
 */
export async function listenForRole(options: RoleSocketOptions): Promise<Server> {
  const server = createServer({ allowHalfOpen: false }, (socket) => serve(socket, options));
  server.maxConnections = MOST_CONNECTIONS;
  rmSync(options.path, { force: true });
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.path, resolve);
    });
  } finally {
    process.umask(mask);
  }
  server.on('error', options.failed);
  return server;
}

function serve(socket: Socket, { operations, started, ended, failed }: RoleSocketOptions): void {
  const reader = createJsonLineReader(LINE_BYTES);
  const connection: Connection = new Set();
  started(connection);
  let lines: Generator<unknown, void> | null = null;

  function pump(): void {
    try {
      while (lines && !socket.destroyed && socket.writableLength < UNREAD_BYTES) {
        const line = lines.next();
        if (line.done) lines = null;
        else answer(line.value);
      }
      if (lines) socket.pause();
      else socket.resume();
    } catch {
      socket.destroy();
    }
  }

  function answer(line: unknown): void {
    const { id, op, args } = parseRequest(line, 'request');
    let reply: string;
    try {
      const operation = operations.get(op);
      if (!operation) throw NOT_YOURS;
      reply = JSON.stringify({ id, ok: true, result: operation(args, connection) });
      if (Buffer.byteLength(reply) >= LINE_BYTES) throw TOO_LARGE;
    } catch (error) {
      if (!(error instanceof VaultError)) failed(error);
      reply = JSON.stringify({ id, ok: false, refusal: toRefusal(error).refusal });
    }
    socket.write(`${reply}\n`);
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

/** A full disk is told; every other fault says nothing of itself outside this process. */
function toRefusal(error: unknown): VaultError {
  if (error instanceof VaultError) return error;
  return isDiskFull(error) ? DISK_FULL : INTERNAL;
}

const refuse = (code: VaultError['code'], rule: string, message: string, remedy: string) =>
  new VaultError({ code, rule, message, remedy });

const NOT_YOURS = refuse(
  'denied',
  'vault.role',
  'This socket has no such operation.',
  'Check that every part of OpenLegion is of the same version.',
);
const TOO_LARGE = refuse(
  'too_large',
  'protocol.line',
  `The answer would be over ${LINE_BYTES} bytes.`,
  'Ask for less at once.',
);
const DISK_FULL = refuse(
  'disk_full',
  'vault.database',
  'The disk that holds the vault is full; nothing was changed.',
  'Free some space in data/.',
);
const INTERNAL = refuse(
  'internal',
  'vault.keeper',
  'The keeper could not do this; nothing was changed.',
  'See the log of the keeper.',
);
