import type { IncomingMessage } from 'node:http';

/** As much as a long conversation takes. */
export const BODY_BYTES = 32 * 1024 * 1024;

export type ReadBody = { ok: true; body: unknown } | { ok: false; status: 400 | 413; message: string };

/** Reads a JSON body of at most `BODY_BYTES`; one that is larger is refused before it is held. */
export async function readBody(request: IncomingMessage): Promise<ReadBody> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES)
      return { ok: false, status: 413, message: `The body is over ${BODY_BYTES} bytes.` };
    chunks.push(chunk);
  }
  try {
    return { ok: true, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { ok: false, status: 400, message: 'The body is not JSON.' };
  }
}
