import type { KEEPER_LINE_BYTES } from '@openlegion/contract/keeper-protocol';
import { VaultError } from './vault-error.ts';

/** The contract's bound on a line to or from the keeper; its type says that the two are one number. */
export const LINE_BYTES: typeof KEEPER_LINE_BYTES = 1_048_576;

const NEWLINE = 0x0a;

/** Cuts a byte stream into lines and parses each as JSON; holds at most one unfinished line. */
export interface JsonLineReader {
  /**
   * The values of the lines that `chunk` completes, one at a time: a caller that stops iterating must not push again
   * before it has gone on. Throws `bad_request` on a line that is not UTF-8 or not JSON and `too_large` on one over
   * the bound; the stream is then of no further use. The error carries nothing of the line.
   */
  push(chunk: Buffer): Generator<unknown, void>;
}

/** `maxBytes` bounds a line without its newline. */
export function createJsonLineReader(maxBytes: number): JsonLineReader {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let parts: Buffer[] = [];
  let length = 0;

  function hold(part: Buffer): void {
    length += part.length;
    if (length > maxBytes) throw refuse('too_large', `a line of more than ${maxBytes} bytes`);
    parts.push(part);
  }

  function takeLine(): unknown {
    const line = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts, length);
    parts = [];
    length = 0;
    try {
      return JSON.parse(decoder.decode(line));
    } catch {
      // The engine's message quotes the line, which may hold a credential: it is dropped, not kept as a cause.
      throw refuse('bad_request', 'a line that is not JSON');
    }
  }

  return {
    *push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        hold(chunk.subarray(start, end));
        start = end + 1;
        yield takeLine();
      }
      if (start < chunk.length) hold(chunk.subarray(start));
    },
  };
}

function refuse(code: 'bad_request' | 'too_large', what: string): VaultError {
  return new VaultError({
    code,
    rule: 'protocol.line',
    message: `The connection carried ${what}.`,
    remedy: 'Check that every part of OpenLegion is of the same version.',
  });
}
