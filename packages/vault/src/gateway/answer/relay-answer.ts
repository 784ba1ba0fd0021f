import type { IncomingMessage, ServerResponse } from 'node:http';
import { refusal } from '../../process/refusal.ts';
import type { Scrubber } from '../../scrub/scrub.ts';
import type { CallerPresence } from '../handle-call.ts';
import type { AdmittedCall } from '../reserve-call.ts';
import { type Settle, TRAILER_NAMES, trailersOf } from '../settlement.ts';
import { answerHeaders, isPlain } from './answer-headers.ts';
import { answerRefusal } from './answer-refusal.ts';
import { type Charge, priceUsage } from './price-usage.ts';
import { createUsageTap } from './usage-tap.ts';

/** More than any answer within a model's output limit; a provider without end is cut. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export interface RelayOptions {
  answer: IncomingMessage;
  response: ServerResponse;
  call: AdmittedCall;
  /** Of the secret: what the answer is searched for. */
  forms: readonly Buffer[];
  scrubber: Scrubber;
  settle: Settle;
  presence: CallerPresence;
}

/**
 * Streams a successful answer: tapped for usage, scrubbed of the secret, at the pace of its reader. It is settled
 * after its last byte and before its end, and the trailers say what it cost. When either side breaks off, the other
 * is broken off too, and what was seen so far is charged.
 */
export async function relayAnswer(options: RelayOptions): Promise<Charge> {
  const { answer, response, forms, scrubber, settle, presence } = options;
  const { rules, admitted, ask } = options.call;
  const status = answer.statusCode ?? 0;
  // What it says it is decides how it is read; a stream that is none, or the reverse, is read as it came.
  const isStream = /^text\/event-stream\b/i.test(answer.headers['content-type'] ?? '');
  const tap = createUsageTap(rules.read, isStream);
  if (!isPlain(answer)) {
    answer.destroy();
    const charge = settle(priceUsage(tap.reading, admitted), status);
    answerRefusal(response, refusal('llm.provider:compressed').refusal);
    return charge;
  }
  response.writeHead(status, {
    'content-type': isStream ? 'text/event-stream' : 'application/json',
    ...answerHeaders(answer, forms),
    trailer: TRAILER_NAMES,
  });
  // Headers travel with the first piece where it is there already, and need not wait for it where it is not.
  const flush = isStream ? setImmediate(() => response.flushHeaders()) : undefined;
  const whole = await passThrough(answer, response, presence, tap.push, scrubber.push);
  clearImmediate(flush);
  if (!whole) {
    const charge = settle(priceUsage(tap.reading, admitted), status);
    // No end of chunks: the reader sees that it was cut.
    response.destroy();
    return charge;
  }
  tap.end();
  const rest = scrubber.end();
  if (rest.length > 0) response.write(rest);
  // An embedding has no output, so a whole answer always says enough.
  if (ask.route.embeds) Object.assign(tap.reading, { output: 0, outputBytes: 0 });
  const charge = settle(priceUsage(tap.reading, admitted), status);
  response.addTrailers(trailersOf(charge));
  response.end();
  return charge;
}

/**
 * True when the answer came to its proper end; false when it was cut, fell silent, was too long or unwanted. What comes
 * in one turn of the event loop goes out in one write, with the end where that came too, and is read for its usage
 * after; all of it has been read before this resolves.
 */
function passThrough(
  answer: IncomingMessage,
  response: ServerResponse,
  presence: CallerPresence,
  read: (chunk: Buffer) => void,
  clean: (chunk: Buffer) => Buffer,
): Promise<boolean> {
  return new Promise((resolve) => {
    const { socket } = response;
    let length = 0;
    let unread: Buffer[] = [];
    const readAll = (): void => {
      for (const chunk of unread) read(chunk);
      unread = [];
    };
    const send = (): void => {
      socket?.uncork();
      readAll();
    };
    const resume = (): void => {
      answer.resume();
    };
    const finish = (whole: boolean) => (): void => {
      presence.leave = null;
      response.off('drain', resume);
      readAll();
      resolve(whole);
    };
    presence.leave = () => answer.destroy();
    response.on('drain', resume);
    answer.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (unread.push(chunk) === 1) {
        // Not the response itself: what that holds back it sends after its own end.
        socket?.cork();
        setImmediate(send);
      }
      const shown = clean(chunk);
      if (length > MAX_ANSWER_BYTES) answer.destroy();
      else if (shown.length > 0 && !response.write(shown)) answer.pause();
    });
    answer.once('end', finish(true));
    answer.once('close', finish(false));
    // Cut before anybody listened: nothing more will be heard of it.
    if (answer.destroyed) finish(false)();
    else if (presence.gone) answer.destroy();
  });
}
