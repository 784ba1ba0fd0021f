import type { IncomingMessage, ServerResponse } from 'node:http';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Ask, DialectRules } from '../dialect/dialect.ts';
import { refuse } from '../refuse.ts';
import { type Settlement, TRAILER_NAMES, trailersOf } from '../settlement.ts';
import { answerHeaders, isPlain } from './answer-headers.ts';
import { answerRefusal } from './answer-refusal.ts';
import { type Admitted, type Charge, priceUsage } from './price-usage.ts';
import { createScrubber, secretForms } from './scrub.ts';
import { createStreamTap, createWholeTap, type UsageTap } from './usage-tap.ts';

/** More than any answer within a model's output limit; a provider without end is cut. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export interface RelayOptions {
  answer: IncomingMessage;
  response: ServerResponse;
  rules: DialectRules;
  admitted: Admitted;
  ask: Ask;
  secret: string | null;
  settlement: Settlement;
  signal: AbortSignal;
}

/**
 * Streams a successful answer: tapped for usage, scrubbed of the secret, at the pace of its reader. It is settled
 * after its last byte and before its end, and the trailers say what it cost. When either side breaks off, the other
 * is broken off too, and what was seen so far is charged.
 */
export async function relayAnswer(options: RelayOptions): Promise<Charge> {
  const { answer, response, rules, admitted, ask, secret, settlement, signal } = options;
  const status = answer.statusCode ?? 0;
  const type = answer.headers['content-type'] ?? '';
  // What it says it is decides how it is read; a stream that is none, or the reverse, is read as it came.
  const isStream = /^text\/event-stream\b/i.test(type);
  const tap = isStream ? createStreamTap(rules.read) : createWholeTap(rules.read);
  if (!isPlain(answer)) {
    answer.destroy();
    const charge = await settlement.settle(priceUsage(tap.reading, admitted), status);
    answerRefusal(response, COMPRESSED.refusal);
    return charge;
  }
  response.writeHead(status, {
    'content-type': isStream ? 'text/event-stream' : 'application/json',
    ...answerHeaders(answer, secret),
    ...(isStream ? { 'cache-control': 'no-cache' } : {}),
    trailer: TRAILER_NAMES,
  });
  if (isStream) response.flushHeaders();
  try {
    await pipeline(answer, createCleaner(tap, secret), response, { end: false, signal });
    tap.end();
  } catch {
    answer.destroy();
    const charge = await settlement.settle(priceUsage(tap.reading, admitted), status);
    // No end of chunks: the reader sees that it was cut.
    response.destroy();
    return charge;
  }
  const charge = await settlement.settle(priceEnded(tap, admitted, ask), status);
  response.addTrailers(trailersOf(charge));
  response.end();
  return charge;
}

/** An embedding has no output, so a whole answer always says enough. */
function priceEnded(tap: UsageTap, admitted: Admitted, ask: Ask): Charge {
  const { reading } = tap;
  if (ask.route.operation === 'embed') Object.assign(reading, { output: 0, outputBytes: 0 });
  return priceUsage(reading, admitted);
}

function createCleaner(tap: UsageTap, secret: string | null): Transform {
  const scrubber = createScrubber(secret === null ? [] : secretForms(secret));
  let length = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      length += chunk.length;
      if (length > MAX_ANSWER_BYTES) {
        done(new Error('an answer without end'));
        return;
      }
      tap.push(chunk);
      const clean = scrubber.push(chunk);
      done(null, clean.length === 0 ? undefined : clean);
    },
    flush(done) {
      const rest = scrubber.end();
      done(null, rest.length === 0 ? undefined : rest);
    },
  });
}

const COMPRESSED = refuse(
  'upstream_failed',
  'llm.provider',
  'The provider compressed its answer although it was asked not to, so it cannot be searched for the key.',
  'Check base_url of this provider: a proxy in between may compress.',
);
