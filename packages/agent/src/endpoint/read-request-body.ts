import type { IncomingMessage } from 'node:http';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';

/** What the gateway takes: more would be refused there after it has come all the way. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** The whole body. Throws `too_large` before more than 8 MiB are held. */
export async function readRequestBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Left open when too much comes: the refusal is still to be answered.
  const pieces: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of pieces) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(): OpenLegionError {
  return new OpenLegionError({
    code: 'too_large',
    rule: 'endpoint.body',
    message: `The body is larger than ${MAX_BODY_BYTES / 1024 / 1024} MiB.`,
    remedy: 'Send less of the history, or smaller images.',
  });
}
