/*
 * bytes ── outer session (we are the client) ──┬── requests to the agent
 *                                              └── CONNECT mesh ── inner session (we serve) ── requests to us
 *
 * Everything that arrives is hostile. Whatever ends any layer ends them all, and nothing outside of this pipe.
 */
import { type ClientHttp2Session, connect } from 'node:http2';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { type ConnectPipe, PIPE_LIMITS, type PipeEnd } from './pipe.ts';
import { endedError, sendRequest } from './send-request.ts';
import { serveMesh } from './serve-mesh.ts';
import { CLIENT_SESSION_OPTIONS } from './session-options.ts';

/**
 * Opens both sessions over `bytes` and resolves when the agent's settings have arrived on each. Rejects with
 * `deadline_exceeded` or `unavailable`, `bytes` then being destroyed. Never emits an `error` that nobody handles.
 */
export const connectPipe: ConnectPipe = ({ bytes, handle }) =>
  new Promise((resolve, reject) => {
    const closed = Promise.withResolvers<PipeEnd>();
    let over = false;
    let mesh: { destroy(): void } | undefined;

    const outer: ClientHttp2Session = connect('http://agent', {
      ...CLIENT_SESSION_OPTIONS,
      createConnection: () => bytes,
    });

    function end(cause: PipeEnd['cause'], reason: string): void {
      if (over) return;
      over = true;
      clearTimeout(handshake);
      mesh?.destroy();
      outer.destroy();
      bytes.destroy();
      closed.resolve({ cause, reason });
      reject(cause === 'closed' ? endedError() : startError(reason));
    }

    const handshake = setTimeout(
      () => end('protocol', `no pipe within ${PIPE_LIMITS.handshakeTimeoutMs / 1000} s`),
      PIPE_LIMITS.handshakeTimeoutMs,
    );

    bytes.on('error', () => {});
    bytes.on('close', () => end('ended', 'the byte stream ended'));
    bytes.on('end', () => end('ended', 'the byte stream ended'));

    outer.setLocalWindowSize(PIPE_LIMITS.sessionWindowBytes);
    outer.on('error', (error) => end(causeOf(error), describe(error)));
    outer.on('close', () => end('ended', 'the agent closed its session'));
    outer.on('goaway', (code) =>
      end(code === 0 ? 'ended' : 'protocol', `the agent closed its session with HTTP/2 error ${code}`),
    );
    // Frames that an agent has no reason to send; each costs us a call into JavaScript.
    outer.on('altsvc', () => end('protocol', 'ALTSVC frame'));
    outer.on('origin', () => end('protocol', 'ORIGIN frame'));

    const tunnel = outer.request({ ':method': 'CONNECT', ':authority': 'mesh' }, { endStream: false });
    tunnel.on('error', () => {});
    tunnel.on('close', () => end('ended', 'the agent closed its way to the mesh'));
    tunnel.on('response', (headers) => {
      if (headers[':status'] !== 200) {
        end('protocol', `CONNECT mesh was answered with ${headers[':status']}`);
        return;
      }
      mesh = serveMesh({
        duplex: tunnel,
        handle,
        onReady: () => {
          clearTimeout(handshake);
          resolve({
            request: async (request) =>
              sendRequest(outer, request, () => end('protocol', 'interim answers without end')),
            closed: closed.promise,
            close: (reason) => end('closed', reason),
          });
        },
        onEnd: (error) =>
          end(
            error ? causeOf(error) : 'ended',
            error ? describe(error) : 'the agent closed its session with the mesh',
          ),
      });
    });
  });

/** Errors of HTTP/2 itself are the agent's doing; those of the stream below (EPIPE, ECONNRESET) mean it is gone. */
function causeOf(error: Error): PipeEnd['cause'] {
  return 'code' in error && String(error.code).startsWith('ERR_HTTP2') ? 'protocol' : 'ended';
}

function describe(error: Error): string {
  return error.message.slice(0, 200);
}

function startError(reason: string): OpenLegionError {
  return new OpenLegionError({
    code: 'unavailable',
    rule: 'pipe.start',
    message: `The agent's pipe did not open: ${reason}.`,
    remedy: 'Look at what the agent wrote on standard error.',
  });
}
