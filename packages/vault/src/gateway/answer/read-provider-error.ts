import type { IncomingMessage } from 'node:http';
import type { CatalogProvider } from '@openlegion/contract/catalog';
import { refusal } from '../../process/refusal.ts';
import { refusalStatus } from '../../process/refusal-status.ts';
import type { VaultError } from '../../process/vault-error.ts';
import { scrubText, secretForms } from '../../scrub/scrub.ts';
import { answerHeaders, isPlain } from './answer-headers.ts';
import { refusalBody } from './answer-refusal.ts';

const MAX_ERROR_BYTES = 64 * 1024;

export interface ProviderError {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/**
 * What is shown of an answer that is an error: the provider's own words, at most 64 KiB, without the secret. A
 * refused key is told in ours, because providers quote parts of it; so is a redirect, which is never followed.
 */
export async function readProviderError(
  answer: IncomingMessage,
  provider: CatalogProvider,
  secret: string | null,
): Promise<ProviderError> {
  const status = answer.statusCode ?? 0;
  if (status === 401 || status === 403) {
    answer.destroy();
    return ours(refusedKey(provider, status));
  }
  if (status < 400 || !isPlain(answer)) {
    answer.destroy();
    return ours(refusal('llm.provider:status', { provider: provider.id, status }));
  }
  const text = await readBounded(answer);
  return {
    status,
    headers: {
      'content-type': 'application/json',
      ...answerHeaders(answer, secret === null ? [] : secretForms(secret)),
    },
    body: secret === null ? text : scrubText(text, secret),
  };
}

async function readBounded(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of answer) {
      const chunk: Buffer = part;
      parts.push(chunk.subarray(0, MAX_ERROR_BYTES - length));
      length += chunk.length;
      if (length >= MAX_ERROR_BYTES) break;
    }
  } catch {
    // A cut error is an error all the same: what came of it is shown.
  }
  answer.destroy();
  return Buffer.concat(parts).toString('utf8');
}

function refusedKey({ id, auth }: CatalogProvider, status: number): VaultError {
  return auth
    ? refusal('llm.provider.key', { provider: id, credential: auth.credential, status })
    : refusal('llm.provider.key:none', { provider: id, status });
}

function ours({ refusal: refused }: VaultError): ProviderError {
  return {
    status: refusalStatus(refused.code),
    headers: { 'content-type': 'application/json' },
    body: refusalBody(refused),
  };
}
