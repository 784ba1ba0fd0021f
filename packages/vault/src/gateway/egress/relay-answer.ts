import type { IncomingMessage, ServerResponse } from 'node:http';
import { refuse } from '../refuse.ts';
import { createScrubber, type Scrubber, secretForms } from '../scrub/scrub.ts';
import { type Flow, pump } from './pump.ts';
import { type Credential, endToEnd } from './request-headers.ts';

/** What is taken out of an answer: everything that a secret could look like in it; nothing where none was sent. */
export interface Cleaner {
  stream(): Scrubber;
  text(text: string): string;
}

export function createCleaner(credential: Credential | null): Cleaner | null {
  if (!credential) return null;
  const { secret, user } = credential;
  const forms = [...secretForms(secret), Buffer.from(Buffer.from(`${user}:${secret}`).toString('base64'))];
  const stream = (): Scrubber => createScrubber(forms, 'same length');
  return {
    stream,
    text(text) {
      const scrubber = stream();
      return Buffer.concat([scrubber.push(Buffer.from(text, 'latin1')), scrubber.end()]).toString('latin1');
    },
  };
}

/** Throws `upstream_failed` where a secret was sent and the answer cannot be searched for it. */
export function checkReadable(answer: IncomingMessage, cleaner: Cleaner | null): void {
  const { 'content-encoding': encoding = 'identity', 'transfer-encoding': framing = 'chunked' } =
    answer.headers;
  if (framing.toLowerCase() !== 'chunked' || (cleaner && encoding.trim().toLowerCase() !== 'identity'))
    throw refuse(
      'upstream_failed',
      'egress.encoding',
      'The answer is encoded although it was asked not to be, so it cannot be searched for the credential.',
      'Nothing can be done about it here: the service does not follow Accept-Encoding.',
    );
}

/** The answer's own headers, flat and clean. */
export function answerHeaders(answer: IncomingMessage, cleaner: Cleaner | null): string[] {
  const kept = endToEnd(answer.rawHeaders, answer.headers.connection);
  const { 'content-length': length } = answer.headers;
  if (length !== undefined) kept.push(['Content-Length', length]);
  return clean(kept, cleaner).flat();
}

/** A header whose name holds the secret is left out. */
function clean(headers: [string, string][], cleaner: Cleaner | null): [string, string][] {
  if (!cleaner) return headers;
  return headers
    .filter(([name]) => cleaner.text(name) === name)
    .map(([name, value]) => [name, cleaner.text(value)]);
}

/** A reason phrase as it may be shown. */
export function reasonOf(answer: IncomingMessage, cleaner: Cleaner | null): string {
  const reason = (answer.statusMessage ?? '').replace(/[^ -~]/g, '?');
  return cleaner ? cleaner.text(reason) : reason;
}

/** Streams an answer to its end, trailers included. Rejects when either side breaks off. */
export async function relayAnswer(
  answer: IncomingMessage,
  response: ServerResponse,
  cleaner: Cleaner | null,
  flow: Omit<Flow, 'pass'>,
): Promise<void> {
  checkReadable(answer, cleaner);
  response.sendDate = false;
  response.writeHead(answer.statusCode ?? 502, reasonOf(answer, cleaner), answerHeaders(answer, cleaner));
  const scrubber = cleaner?.stream();
  const flush = setImmediate(() => response.flushHeaders());
  await pump(answer, response, { ...flow, pass: (chunk) => scrubber?.push(chunk) ?? chunk });
  clearImmediate(flush);
  const rest = scrubber?.end();
  if (rest && rest.length > 0) response.write(rest);
  response.addTrailers(clean(endToEnd(answer.rawTrailers, undefined), cleaner));
  response.end();
}
