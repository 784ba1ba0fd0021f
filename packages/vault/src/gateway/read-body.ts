import type { IncomingMessage } from 'node:http';
import { refuse } from './refuse.ts';

export const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** The body of a JSON request, uncompressed and at most 8 MiB. Throws `bad_request`, `too_large`. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(type))
    throw refuse(
      'bad_request',
      'llm.content_type',
      'A model call is JSON.',
      'Send content-type: application/json.',
    );
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity')
    throw refuse(
      'bad_request',
      'llm.content_encoding',
      'A compressed body is not read.',
      'Send it as it is.',
    );
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  return gather(request);
}

/** By listeners: an iterator over a stream costs more than reading a body of the usual size. */
function gather(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      parts.push(chunk);
      if (length <= MAX_BODY_BYTES) return;
      request.off('data', take);
      request.pause();
      reject(tooLarge());
    };
    request.on('data', take);
    request.once('end', () =>
      resolve(parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts, length)),
    );
    request.once('error', reject);
    // Without its end and without an error: nobody is left to answer.
    request.once('close', () => {
      if (!request.readableEnded) reject(new Error('the caller left within its body'));
    });
  });
}

function tooLarge() {
  return refuse(
    'too_large',
    'llm.body',
    `The body of a model call is at most ${MAX_BODY_BYTES / 1024 / 1024} MiB.`,
    'Send less of the history, or smaller images.',
  );
}
