import type { IncomingMessage, ServerResponse } from 'node:http';
import { refusal } from '../../process/refusal.ts';
import type { Scrubber } from '../../scrub/scrub.ts';
import type { MayUse } from '../dialect/granted-tools.ts';
import type { CallerPresence } from '../handle-call.ts';
import type { AdmittedCall } from '../reserve-call.ts';
import { type Settle, TRAILER_NAMES, trailersOf } from '../settlement.ts';
import { answerHeaders, isPlain } from './answer-headers.ts';
import { answerRefusal, refusalBody } from './answer-refusal.ts';
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
  mayUse: MayUse;
}

/**
 * Streams a successful answer: tapped for usage, scrubbed of the secret, at the pace of its reader. It is settled
 * after its last byte and before its end, and the trailers say what it cost. When either side breaks off, the other
 * is broken off too, and what was seen so far is charged.
 */
export async function relayAnswer(options: RelayOptions): Promise<Charge> {
  const { answer, response, forms, scrubber, settle, presence, mayUse } = options;
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
  const headers = {
    'content-type': isStream ? 'text/event-stream' : 'application/json',
    ...answerHeaders(answer, forms),
    trailer: TRAILER_NAMES,
  };
  // Where tools are offered, nothing is shown before it is known not to call another.
  const { offersTools: guarded } = ask;
  const { reading } = tap;
  const denied = (): boolean => guarded && (reading.passedOver || !reading.calls.every(mayUse));
  const held: Buffer[] | null = guarded && !isStream ? [] : null;
  if (!held) response.writeHead(status, headers);
  // Headers travel with the first piece where it is there already, and need not wait for it where it is not.
  const flush = isStream ? setImmediate(() => response.flushHeaders()) : undefined;
  const read = { push: tap.push, first: guarded, denied };
  const whole = await passThrough(answer, response, presence, read, scrubber.push, held);
  clearImmediate(flush);
  if (whole) tap.end();
  // An embedding has no output, so a whole answer always says enough.
  if (whole && ask.route.embeds) Object.assign(reading, { output: 0, outputBytes: 0 });
  const charge = settle(priceUsage(reading, admitted), status);
  if (denied()) endDenied(response, isStream, charge);
  // No end of chunks: the reader sees that it was cut.
  else if (!whole) response.destroy();
  else {
    if (held) response.writeHead(status, headers);
    for (const piece of [...(held ?? []), scrubber.end()]) if (piece.length > 0) response.write(piece);
    response.addTrailers(trailersOf(charge));
    response.end();
  }
  return charge;
}

/** In place of the call: an event that all clients read as an error, or a refusal where nothing was said yet. */
function endDenied(response: ServerResponse, isStream: boolean, charge: Charge): void {
  const { refusal: why } = refusal('llm.answer:tool');
  if (!isStream) {
    answerRefusal(response, why);
    return;
  }
  response.write(`\n\nevent: error\ndata: ${refusalBody(why)}\n\n`);
  response.addTrailers(trailersOf(charge));
  response.end();
}

/**
 * True when the answer came to its proper end; false when it was cut, fell silent, was too long or unwanted. What comes
 * in one turn of the event loop goes out in one write, with the end where that came too, and is read for its usage
 * after, or before where it is to be read `first`; all of it has been read before this resolves. With `held` it is
 * put there instead of being written.
 */
function passThrough(
  answer: IncomingMessage,
  response: ServerResponse,
  presence: CallerPresence,
  read: { push: (chunk: Buffer) => void; first: boolean; denied: () => boolean },
  clean: (chunk: Buffer) => Buffer,
  held: Buffer[] | null,
): Promise<boolean> {
  return new Promise((resolve) => {
    const { socket } = response;
    let length = 0;
    let unread: Buffer[] = [];
    const readAll = (): void => {
      if (!read.first) for (const chunk of unread) read.push(chunk);
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
      if (read.first) {
        read.push(chunk);
        if (read.denied()) {
          answer.destroy();
          return;
        }
      }
      if (unread.push(chunk) === 1) {
        // Not the response itself: what that holds back it sends after its own end.
        socket?.cork();
        setImmediate(send);
      }
      const shown = clean(chunk);
      if (length > MAX_ANSWER_BYTES) answer.destroy();
      else if (held) held.push(shown);
      else if (shown.length > 0 && !response.write(shown)) answer.pause();
    });
    answer.once('end', finish(true));
    answer.once('close', finish(false));
    // Cut before anybody listened: nothing more will be heard of it.
    if (answer.destroyed) finish(false)();
    else if (presence.gone) answer.destroy();
  });
}
