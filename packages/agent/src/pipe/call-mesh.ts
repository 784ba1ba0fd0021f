import { type ClientHttp2Session, constants } from 'node:http2';
import type { Readable } from 'node:stream';
import { answerBody } from './answer-body.ts';
import type { MeshAnswer, MeshCall } from './pipe.ts';
import { sendBody } from './send-body.ts';

/**
 * One request on the inner session, resolved with whatever status at its headers. Rejects when the pipe ends
 * first, or with the signal's reason; an abort after the headers ends the body with it.
 */
export function callMesh(session: ClientHttp2Session, call: MeshCall): Promise<MeshAnswer> {
  return new Promise((resolve, reject) => {
    const { signal } = call;
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const stream = session.request(
      { ...call.headers, ':method': call.method, ':path': call.path, ':authority': 'mesh' },
      { endStream: false },
    );
    let body: Readable | undefined;
    const abandon = () => {
      if (stream.writableEnded) stream.close(constants.NGHTTP2_CANCEL);
      // `close` would end the body first, and half of it would look whole.
      else stream.destroy(new Error('the request was given up'));
    };
    const onAbort = () => {
      const reason: unknown = signal?.reason;
      reject(reason);
      body?.destroy(reason instanceof Error ? reason : new Error('aborted'));
      abandon();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    stream.on('error', reject);
    stream.on('close', () => {
      signal?.removeEventListener('abort', onAbort);
      // Only where it is heard: an error that nobody gets still costs its stack.
      if (!body) reject(new Error('the mesh closed the request without an answer'));
    });
    stream.on('response', (headers) => {
      body = answerBody(stream, abandon);
      resolve({ status: Number(headers[':status']), headers, body });
    });
    sendBody(stream, call.body);
  });
}
