import type { IncomingMessage } from 'node:http';

const PASSED = ['content-type', 'retry-after', 'x-request-id', 'request-id', 'anthropic-request-id'] as const;

/** The listed headers of an answer; one that repeats the secret in any form is left out. */
export function answerHeaders(answer: IncomingMessage, forms: readonly Buffer[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of PASSED) {
    const value = answer.headers[name];
    if (typeof value !== 'string' || !/^[\x20-\x7e]{1,500}$/.test(value)) continue;
    const bytes = Buffer.from(value);
    if (!forms.some((form) => bytes.includes(form))) headers[name] = value;
  }
  return headers;
}

/** An answer that is compressed could not be searched for the secret, nor its usage read. */
export function isPlain(answer: IncomingMessage): boolean {
  return (answer.headers['content-encoding'] ?? 'identity').trim().toLowerCase() === 'identity';
}
