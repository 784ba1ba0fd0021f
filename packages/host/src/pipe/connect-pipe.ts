/*
 * bytes ── outer session (we are the client) ──┬── requests to the agent
 *                                              └── CONNECT mesh ── inner session (we serve) ── requests to us
 *
 * Everything that arrives is hostile. Whatever ends any layer ends them all, and nothing outside of this pipe.
 */
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { fairDuplex } from './fair-duplex.ts';
import { createLargeWindow } from './large-window.ts';
import { type ConnectPipe, PIPE_LIMITS, type PipeEnd } from './pipe.ts';
import type { PipeTimes } from './pipe-times.ts';
import { endedError, sendRequest } from './send-request.ts';
import { serveMesh } from './serve-mesh.ts';
import { CLIENT_SESSION_OPTIONS } from './session-options.ts';

/**
 * Opens both sessions over `bytes` and resolves when the agent's settings have arrived on each. Rejects with
 * `deadline_exceeded` or `unavailable`, `bytes` then being destroyed. Never emits an `error` that nobody handles.
 */
export const connectPipe: ConnectPipe = (options) => connectPipeWithin(PIPE_LIMITS, options);

/** `connectPipe` with other times, for tests. */
export function connectPipeWithin(
  times: PipeTimes,
  { bytes, handle }: Parameters<ConnectPipe>[0],
): ReturnType<ConnectPipe> {
  return new Promise((resolve, reject) => {
    const closed = Promise.withResolvers<PipeEnd>();
    let over = false;
    let mesh: { destroy(): void } | undefined;

    const fair = fairDuplex(bytes);
    fair.on('error', () => {});
    const outer: ClientHttp2Session = connect('http://agent', {
      ...CLIENT_SESSION_OPTIONS,
      createConnection: () => fair,
    });

    function end(cause: PipeEnd['cause'], reason: string): void {
      if (over) return;
      over = true;
      clearTimeout(handshake);
      // Not from in here: nghttp2 does not survive the end of its session within a callback for one of its frames.
      setImmediate(() => {
        mesh?.destroy();
        // With an error: without one, Node ends half-read answers as if they were whole.
        outer.destroy(new Error(reason), constants.NGHTTP2_CANCEL);
        fair.destroy();
        closed.resolve({ cause, reason });
        reject(cause === 'closed' ? endedError() : startError(reason));
      });
    }

    const largeWindow = createLargeWindow(outer);
    const onInterimFlood = () => end('protocol', 'interim answers without end');
    const handshake = setTimeout(
      () => end('protocol', `no pipe within ${times.handshakeTimeoutMs / 1000} s`),
      times.handshakeTimeoutMs,
    );

    fair.on('close', () => end('ended', 'the byte stream ended'));
    fair.on('end', () => end('ended', 'the byte stream ended'));

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
    tunnel.on('error', (error) => end(causeOf(error), describe(error)));
    // An error of the session closes its streams first; it is the error that says why.
    tunnel.on('close', () => setImmediate(end, 'ended', 'the agent closed its way to the mesh'));
    tunnel.on('response', (headers) => {
      if (headers[':status'] !== 200) {
        end('protocol', `CONNECT mesh was answered with ${headers[':status']}`);
        return;
      }
      mesh = serveMesh({
        duplex: tunnel,
        handle,
        idleTimeoutMs: times.idleTimeoutMs,
        onReady: () => {
          clearTimeout(handshake);
          resolve({
            request: (request) =>
              sendRequest({ session: outer, request, times, largeWindow, onInterimFlood }),
            closed: closed.promise,
            close: (reason) => end('closed', reason),
          });
        },
        onEnd: (error) =>
          error
            ? end(causeOf(error), describe(error))
            : end('ended', 'the agent closed its session with the mesh'),
      });
    });
  });
}

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
