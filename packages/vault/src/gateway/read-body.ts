import type { IncomingMessage } from 'node:http';
import { refusal } from '../process/refusal.ts';

const MAX_BODY_BYTES = 8 * 1024 * 1024;
const JSON_TYPE = /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i;

/**
 * The body of a JSON request, uncompressed and at most 8 MiB. Throws `bad_request`, `too_large`. By listeners: an
 * iterator over a stream costs more than reading a body of the usual size.
 */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  const { headers } = request;
  return new Promise((resolve, reject) => {
    const type = headers['content-type'] ?? '';
    if (type !== 'application/json' && !JSON_TYPE.test(type)) throw refusal('llm.content_type');
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') throw refusal('llm.content_encoding');
    if (Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw refusal('llm.body');
    const parts: Buffer[] = [];
    let length = 0;
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      parts.push(chunk);
      if (length <= MAX_BODY_BYTES) return;
      request.off('data', take);
      request.pause();
      reject(refusal('llm.body'));
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
