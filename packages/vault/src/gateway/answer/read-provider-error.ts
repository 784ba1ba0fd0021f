import type { IncomingMessage } from 'node:http';
import type { CatalogProvider } from '@openlegion/contract/catalog';
import type { Refusal } from '@openlegion/contract/refusal';
import { refusalStatus } from '../../process/refusal-status.ts';
import { answerHeaders, isPlain } from './answer-headers.ts';
import { refusalBody } from './answer-refusal.ts';
import { scrubText, secretForms } from '../scrub/scrub.ts';

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
    return ours({
      code: 'upstream_failed',
      rule: 'llm.provider',
      message: `The provider ${provider.id} answered with ${status}, which no model call is answered with.`,
      remedy: 'Check base_url of this provider in config/mesh.yaml; redirects are not followed.',
    });
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

function refusedKey(provider: CatalogProvider, status: number): Refusal {
  const credential = provider.auth?.credential;
  return {
    code: 'upstream_failed',
    rule: 'llm.provider.key',
    message:
      credential === undefined
        ? `The provider ${provider.id} wants a key (${status}), and none is configured for it.`
        : `The provider ${provider.id} did not accept the key ${credential} (${status}).`,
    remedy:
      credential === undefined
        ? `Set key under llm.providers.${provider.id} in config/mesh.yaml and store one with ./openlegion vault add.`
        : `Store a valid key with: ./openlegion vault add ${credential}.`,
  };
}

function ours(refusal: Refusal): ProviderError {
  return {
    status: refusalStatus(refusal.code),
    headers: { 'content-type': 'application/json' },
    body: refusalBody(refusal),
  };
}
