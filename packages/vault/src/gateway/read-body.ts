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
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    const chunk: Buffer = part;
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw tooLarge();
    parts.push(chunk);
  }
  return Buffer.concat(parts, length);
}

function tooLarge() {
  return refuse(
    'too_large',
    'llm.body',
    `The body of a model call is at most ${MAX_BODY_BYTES / 1024 / 1024} MiB.`,
    'Send less of the history, or smaller images.',
  );
}
