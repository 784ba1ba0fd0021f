import { emptyReading, type ReadAnswer, type Reading } from '../dialect/answer-reader.ts';

/** Reads usage from an answer while it passes, and changes nothing of it. */
export interface UsageTap {
  push(chunk: Buffer): void;
  /** The provider ended the answer properly. Call once; without it the reading stays unfinished. */
  end(): void;
  readonly reading: Reading;
}

const MAX_EVENT_BYTES = 4 * 1024 * 1024;
const MAX_JSON_BYTES = 32 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * A stream of server-sent events (each event's data is one line in all four dialects). An event that is too long or
 * not JSON is passed over; if it held the usage, the answer has none.
 */
export function createStreamTap(read: ReadAnswer): UsageTap {
  const reading = emptyReading();
  let parts: Buffer[] = [];
  let length = 0;

  function line(): void {
    const text = Buffer.concat(parts, length).toString('utf8');
    parts = [];
    length = 0;
    if (!text.startsWith('data:')) return;
    const data = text.slice(5).trim();
    if (data === '[DONE]') reading.finished = true;
    else readJson(data, read, reading);
  }

  return {
    reading,
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        hold(chunk.subarray(start, end));
        start = end + 1;
        line();
      }
      hold(chunk.subarray(start));
    },
    end() {
      if (length > 0) line();
      reading.finished ||= reading.stopped;
    },
  };

  function hold(part: Buffer): void {
    if (part.length === 0) return;
    if (length + part.length > MAX_EVENT_BYTES) {
      reading.outputBytes += part.length;
      return;
    }
    parts.push(part);
    length += part.length;
  }
}

/** One JSON answer, read at its end. */
export function createWholeTap(read: ReadAnswer): UsageTap {
  const reading = emptyReading();
  const parts: Buffer[] = [];
  let length = 0;
  return {
    reading,
    push(chunk) {
      length += chunk.length;
      if (length <= MAX_JSON_BYTES) parts.push(chunk);
    },
    end() {
      const known =
        length <= MAX_JSON_BYTES && readJson(Buffer.concat(parts).toString('utf8'), read, reading);
      if (!known) reading.outputBytes += length;
      // A whole answer is whole when its bytes are.
      reading.finished = true;
    },
  };
}

function readJson(text: string, read: ReadAnswer, reading: Reading): boolean {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return false;
  }
  read(answer, reading);
  return true;
}
