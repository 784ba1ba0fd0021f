import { emptyReading, type ReadAnswer, type Reading } from '../dialect/answer-reader.ts';

/** Reads usage from an answer while it passes, and changes nothing of it. */
export interface UsageTap {
  push(chunk: Buffer): void;
  /** The provider ended the answer properly. Call once; without it the reading stays unfinished. */
  end(): void;
  readonly reading: Reading;
}

/** What is held of an answer until it can be read: more than any event or answer with usage in it. */
const MAX_EVENT_BYTES = 4 * 1024 * 1024;
const MAX_JSON_BYTES = 32 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Of a stream of server-sent events each event is read (its data is one line in all four dialects), of any other
 * answer the whole at its end. What is too long or not JSON is counted by its bytes and passed over; if it held the
 * usage, the answer has none.
 */
export function createUsageTap(read: ReadAnswer, isStream: boolean): UsageTap {
  const reading = emptyReading();
  const most = isStream ? MAX_EVENT_BYTES : MAX_JSON_BYTES;
  let parts: Buffer[] = [];
  let length = 0;

  function hold(part: Buffer): void {
    if (length + part.length > most) {
      reading.outputBytes += part.length;
      reading.passedOver = true;
    } else if (part.length > 0) {
      parts.push(part);
      length += part.length;
    }
  }

  function take(): string {
    const text = (parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts, length)).toString('utf8');
    parts = [];
    length = 0;
    return text;
  }

  function readLine(): void {
    const line = take();
    if (!line.startsWith('data:')) return;
    const data = line.slice('data:'.length).trim();
    if (data === '[DONE]') reading.finished = true;
    else readJson(data);
  }

  function readJson(text: string): boolean {
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      return false;
    }
    read(answer, reading);
    return true;
  }

  return {
    reading,
    push(chunk) {
      let start = 0;
      if (isStream)
        for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
          hold(chunk.subarray(start, end));
          start = end + 1;
          readLine();
        }
      hold(chunk.subarray(start));
    },
    end() {
      if (isStream) {
        readLine();
        reading.finished ||= reading.stopped;
        return;
      }
      const bytes = length;
      if (!readJson(take())) reading.outputBytes += bytes;
      // A whole answer is whole when its bytes are.
      reading.finished = true;
    },
  };
}
