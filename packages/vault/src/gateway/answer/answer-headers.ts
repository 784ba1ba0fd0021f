import type { IncomingMessage } from 'node:http';
import { createScrubber, secretForms } from './scrub.ts';

const PASSED = ['content-type', 'retry-after', 'x-request-id', 'request-id', 'anthropic-request-id'] as const;

/** The listed headers of an answer; one that repeats the secret in any form is left out. */
export function answerHeaders(answer: IncomingMessage, secret: string | null): Record<string, string> {
  const forms = secret === null ? [] : secretForms(secret);
  const headers: Record<string, string> = {};
  for (const name of PASSED) {
    const value = answer.headers[name];
    if (typeof value !== 'string' || !/^[\x20-\x7e]{1,500}$/.test(value)) continue;
    const scrubber = createScrubber(forms);
    const clean = Buffer.concat([scrubber.push(Buffer.from(value)), scrubber.end()]).toString('latin1');
    if (clean === value) headers[name] = value;
  }
  return headers;
}

/** An answer that is compressed could not be searched for the secret, nor its usage read. */
export function isPlain(answer: IncomingMessage): boolean {
  return (answer.headers['content-encoding'] ?? 'identity').trim().toLowerCase() === 'identity';
}
