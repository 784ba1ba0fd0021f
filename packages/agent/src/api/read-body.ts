import type { ServerHttp2Stream } from 'node:http2';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';

/** The whole body of a request. More than `maxBytes` throws `too_large` before it is held. */
export async function readBody(stream: ServerHttp2Stream, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Left open when too much comes: the refusal is still to be answered on it.
  const pieces: AsyncIterable<Buffer> = stream.iterator({ destroyOnReturn: false });
  for await (const chunk of pieces) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new OpenLegionError({
        code: 'too_large',
        rule: 'agent.body',
        message: `The body is larger than ${maxBytes} bytes.`,
        remedy: 'Send less, or send it as a file in pieces.',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Unparsed: the caller holds it to a schema. Throws `bad_request` when it is not JSON. */
export async function readJson(stream: ServerHttp2Stream, maxBytes: number): Promise<unknown> {
  const body = await readBody(stream, maxBytes);
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new OpenLegionError(
      {
        code: 'bad_request',
        rule: 'agent.body',
        message: 'The body is not JSON.',
        remedy: 'Send one JSON object.',
      },
      { cause },
    );
  }
}
