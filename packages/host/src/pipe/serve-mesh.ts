import { constants, createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { answerRefusal, refusalOf } from './answer-refusal.ts';
import { type MeshHandler, PIPE_LIMITS } from './pipe.ts';
import { SERVER_SESSION_OPTIONS } from './session-options.ts';

/**
 * The inner session: the agent is the client, each of its requests goes to `handle`. `onReady` when the agent's
 * preface and settings are there, `onEnd` once, with the error where there was one. A stream without a byte in
 * either direction for `idleTimeoutMs` is reset.
 */
export function serveMesh(options: {
  duplex: Duplex;
  handle: MeshHandler;
  idleTimeoutMs: number;
  onReady: () => void;
  onEnd: (error: Error | null) => void;
}): { destroy(): void } {
  const { duplex, handle, idleTimeoutMs, onReady, onEnd } = options;
  const server = createServer(SERVER_SESSION_OPTIONS);
  let session: ServerHttp2Session | undefined;
  let failure: Error | null = null;

  server.on('session', (opened) => {
    session = opened;
    opened.setLocalWindowSize(PIPE_LIMITS.sessionWindowBytes);
    opened.on('error', (error) => {
      failure ??= error;
    });
    opened.once('remoteSettings', onReady);
    opened.on('close', () => onEnd(failure));
  });
  server.on('sessionError', (error: Error) => {
    failure ??= error;
  });
  server.on('error', () => {});
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    stream.setTimeout(idleTimeoutMs, () => stream.close(constants.NGHTTP2_CANCEL));
    void answer(stream, () =>
      handle({
        method: String(headers[':method']),
        path: String(headers[':path'] ?? headers[':authority'] ?? ''),
        headers,
        stream,
      }),
    );
  });
  server.emit('connection', duplex);
  return { destroy: () => session?.destroy() };
}

async function answer(stream: ServerHttp2Stream, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    answerRefusal(stream, refusalOf(error));
  }
}
