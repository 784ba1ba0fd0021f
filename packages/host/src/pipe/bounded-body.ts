import type { ClientHttp2Stream } from 'node:http2';
import { Readable } from 'node:stream';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';

/**
 * What `source` carries, at the reader's pace: `source` is paused while nobody reads, so that its flow-control
 * window fills and the sender waits. More than `maxBytes` is `too_large`, `idleMs` without a byte
 * `deadline_exceeded`; a source cut off before its end is `unavailable`. In each case, and when the reader gives
 * up, `abandon` is called, which must end the source.
 */
export function boundedBody(options: {
  source: ClientHttp2Stream;
  maxBytes: number;
  idleMs: number;
  abandon: () => void;
}): Readable {
  const { source, maxBytes, idleMs, abandon } = options;
  let bytes = 0;
  let ended = false;

  const body = new Readable({
    highWaterMark: 64 * 1024,
    read() {
      source.resume();
    },
    destroy(error, callback) {
      clearTimeout(idle);
      if (!ended) abandon();
      callback(error);
    },
  });
  // A reader that has gone away must not turn an agent's misbehaviour into a crash of the host.
  body.on('error', () => {});

  const idle = setTimeout(() => body.destroy(idleError(idleMs)), idleMs);

  source.pause();
  source.on('data', (chunk: Buffer) => {
    idle.refresh();
    bytes += chunk.length;
    if (bytes > maxBytes) {
      body.destroy(tooLargeError(maxBytes));
    } else if (!body.push(chunk)) {
      source.pause();
    }
  });
  source.on('end', () => {
    // A reset ends the stream as well, and leaves its code.
    if (source.rstCode) return;
    ended = true;
    clearTimeout(idle);
    body.push(null);
  });
  source.on('close', () => {
    if (!ended) body.destroy(cutOffError());
  });
  return body;
}

function tooLargeError(maxBytes: number): OpenLegionError {
  return new OpenLegionError({
    code: 'too_large',
    rule: 'pipe.body_bytes',
    message: `The agent sent more than ${maxBytes} bytes where no more are accepted.`,
    remedy: 'Ask for less at a time.',
  });
}

function idleError(idleMs: number): OpenLegionError {
  return new OpenLegionError({
    code: 'deadline_exceeded',
    rule: 'pipe.idle',
    message: `The agent sent nothing for ${Math.round(idleMs / 1000)} s in the middle of an answer.`,
    remedy: 'Try again; if it repeats, look at the agent.',
  });
}

function cutOffError(): OpenLegionError {
  return new OpenLegionError({
    code: 'unavailable',
    rule: 'pipe.cut_off',
    message: 'The agent ended in the middle of an answer.',
    remedy: 'Try again; the agent is started anew by the next message.',
  });
}
