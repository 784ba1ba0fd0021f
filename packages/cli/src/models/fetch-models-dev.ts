import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { type ModelsDev, parseModelsDev } from './models-dev.ts';

export const MODELS_DEV_URL = 'https://models.dev/api.json';
const MAX_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 60_000;

/**
 * Fetches the document: over https, or from this machine. No redirect is followed and nothing is sent but the request.
 * Throws `bad_request` for another address, `upstream_failed` when it cannot be had or is no such document.
 */
export async function fetchModelsDev(from: string, get: typeof fetch): Promise<ModelsDev> {
  const url = URL.canParse(from) ? new URL(from) : null;
  const local = url?.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (!url || (url.protocol !== 'https:' && !local))
    throw new OpenLegionError({
      code: 'bad_request',
      rule: 'cli.models.from',
      message: `${JSON.stringify(from.slice(0, 200))} is not an https address.`,
      remedy: `Leave --from out for ${MODELS_DEV_URL}, or name a copy of that document.`,
    });
  try {
    const answer = await get(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!answer.ok) throw new Error(`it answered with status ${answer.status}`);
    return parseModelsDev(JSON.parse(await bounded(answer)));
  } catch (cause) {
    throw new OpenLegionError(
      {
        code: 'upstream_failed',
        rule: 'cli.models.from',
        message: `The list of models at ${url.host} cannot be had: ${reasonOf(cause)}. Nothing was changed.`,
        remedy:
          'Check the network, or name a copy with --from. The catalog that came with OpenLegion stays; a price can be given by hand with ./openlegion models price.',
      },
      { cause },
    );
  }
}

async function bounded(answer: Response): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of answer.body ?? []) {
    bytes += part.length;
    if (bytes > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES / 1024 / 1024} MiB`);
    parts.push(Buffer.from(part));
  }
  return Buffer.concat(parts).toString('utf8');
}

/** What a person can do something about; of what came, nothing is quoted. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown';
  if (cause.name === 'TimeoutError') return `no answer in ${TIMEOUT_MS / 1000} s`;
  if (cause instanceof SyntaxError || cause.name === 'ZodError') return 'what is there is no such list';
  const inner = cause.cause;
  if (inner instanceof Error && inner.message === 'unexpected redirect')
    return 'it points to another address, and that is not followed';
  const code =
    inner instanceof Error && 'code' in inner && typeof inner.code === 'string' ? ` (${inner.code})` : '';
  return cause.message === 'fetch failed' ? `no connection${code}` : cause.message.slice(0, 200);
}
