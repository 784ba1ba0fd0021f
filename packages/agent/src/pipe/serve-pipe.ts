/*
 * stdin, stdout ── outer session (we serve) ──┬── requests of the host
 *                                             └── CONNECT mesh ── inner session (we are the client)
 */
import { type ClientHttp2Session, connect, createServer, type ServerHttp2Stream } from 'node:http2';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { RefusalBody, RefusalCode } from '@openlegion/contract/refusal';
import { REFUSAL_STATUS } from '@openlegion/contract/refusal-status';
import { byteStream } from './byte-stream.ts';
import { callMesh } from './call-mesh.ts';
import type { ServePipe } from './pipe.ts';

/** What the host may have under way towards us; it is trusted, so these serve speed rather than defence. */
const WINDOW_BYTES = 4 * 1024 * 1024;
const SESSION_WINDOW_BYTES = 16 * 1024 * 1024;
/** Smaller: up to 48 connections of programs that may not read what they asked for are held in this memory. */
const INNER_WINDOW_BYTES = 512 * 1024;

/**
 * Serves the host's requests until the end of input. What `handle` throws is answered as the refusal of its code,
 * without a stack. `mesh.call` waits until the host has opened the inner session.
 */
export const servePipe: ServePipe = ({ input, output, handle }) => {
  const inner = Promise.withResolvers<ClientHttp2Session>();
  inner.promise.catch(() => {});
  const closed = Promise.withResolvers<void>();
  const bytes = byteStream(input, output);
  let opened = false;

  const server = createServer({
    settings: { enablePush: false, initialWindowSize: WINDOW_BYTES, maxConcurrentStreams: 128 },
  });
  server.on('session', (session) => {
    session.setLocalWindowSize(SESSION_WINDOW_BYTES);
    session.on('error', () => {});
    session.on('close', () => bytes.destroy());
  });
  server.on('sessionError', () => {});
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (headers[':method'] === 'CONNECT') {
      if (opened || headers[':authority'] !== 'mesh') {
        stream.respond({ ':status': 409 }, { endStream: true });
        return;
      }
      opened = true;
      stream.respond({ ':status': 200 });
      const session = connect('http://mesh', {
        createConnection: () => stream,
        settings: { enablePush: false, initialWindowSize: INNER_WINDOW_BYTES },
      });
      session.on('error', () => {});
      session.setLocalWindowSize(SESSION_WINDOW_BYTES);
      inner.resolve(session);
      return;
    }
    void answer(stream, () =>
      handle({ method: String(headers[':method']), path: String(headers[':path']), headers, stream }),
    );
  });
  bytes.on('error', () => {});
  bytes.on('close', () => {
    inner.reject(new Error('the pipe has ended'));
    closed.resolve();
  });
  server.emit('connection', bytes);

  return {
    mesh: { call: async (call) => callMesh(await inner.promise, call) },
    dialEgress: async () => {
      const session = await inner.promise;
      const stream = session.request({ ':method': 'CONNECT', ':authority': 'egress' }, { endStream: false });
      // Of a session that has just ended the stream fails before whoever asked for it can listen.
      stream.on('error', () => {});
      return stream;
    },
    closed: closed.promise,
  };
};

async function answer(stream: ServerHttp2Stream, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    refuse(stream, error);
  }
}

function refuse(stream: ServerHttp2Stream, error: unknown): void {
  if (stream.destroyed || stream.closed) return;
  if (stream.headersSent) {
    // Cut, not closed: a stream that is closed first sends what it has and looks whole.
    stream.destroy(new Error('an answer failed in its middle'));
    return;
  }
  const code: RefusalCode = error instanceof OpenLegionError ? error.code : 'internal';
  const body: RefusalBody = {
    type: 'error',
    error: {
      type: 'openlegion_refusal',
      ...(error instanceof OpenLegionError
        ? error.refusal
        : {
            code,
            rule: 'agent.internal',
            message: 'The agent could not do this because of an error of its own.',
            remedy: 'Look at what the agent wrote on standard error.',
          }),
    },
  };
  stream.respond({ ':status': REFUSAL_STATUS[code], 'content-type': 'application/json' });
  stream.end(JSON.stringify(body));
}
