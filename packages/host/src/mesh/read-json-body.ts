import type { Readable } from 'node:stream';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { z } from 'zod';

/** The largest body of a mesh or control request that is JSON; a message's text may be 256 K characters. */
export const JSON_BODY_BYTES = 2 * 1024 * 1024;

/**
 * Reads a JSON body and holds it to `schema`. Throws `too_large` before more than `maxBytes` are held, and
 * `bad_request` for what is not UTF-8, not JSON or not of the schema, naming the field but not repeating the value.
 */
export async function readJsonBody<S extends z.ZodType>(
  body: Readable,
  schema: S,
  maxBytes: number = JSON_BODY_BYTES,
): Promise<z.output<S>> {
  return parseJsonBody(await readBody(body, maxBytes), schema);
}

export async function readBody(body: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Left whole when we stop early: the answer goes out on the same stream.
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    const piece = Buffer.from(chunk);
    bytes += piece.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(piece);
  }
  return Buffer.concat(chunks);
}

export function parseJsonBody<S extends z.ZodType>(bytes: Uint8Array, schema: S): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw badRequest('The body is not JSON.', 'Send JSON in UTF-8.');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const place = issue && issue.path.length > 0 ? `"${issue.path.map(String).join('.').slice(0, 100)}": ` : '';
  throw badRequest(
    `The body is not as it should be. ${place}${(issue?.message ?? '').slice(0, 300)}`,
    'Correct the request.',
  );
}

export function tooLarge(maxBytes: number): OpenLegionError {
  return new OpenLegionError({
    code: 'too_large',
    rule: 'http.body_bytes',
    message: `The body is larger than ${maxBytes} bytes.`,
    remedy: 'Send less at a time.',
  });
}

function badRequest(message: string, remedy: string): OpenLegionError {
  return new OpenLegionError({ code: 'bad_request', rule: 'http.body', message, remedy });
}
