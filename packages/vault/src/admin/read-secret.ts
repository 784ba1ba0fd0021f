import type { Readable, Writable } from 'node:stream';
import type { ReadStream } from 'node:tty';
import { VaultError } from '../process/vault-error.ts';

/** The keeper takes 16 KiB; one byte more and a line end are read, so that what is too long is noticed. */
const MOST_BYTES = 16 * 1024 + 3;

const KEY = {
  ctrlC: 0x03,
  ctrlD: 0x04,
  backspace: 0x08,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  ctrlU: 0x15,
  escape: 0x1b,
  delete: 0x7f,
};

/**
 * Reads a value to its end; one line end there is dropped (`echo value | …`). Throws `bad_request` when it is empty
 * or too long.
 */
export async function readSecretFromStream(input: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MOST_BYTES) throw unusable('longer than 16 KiB');
    chunks.push(bytes);
  }
  return decode(Buffer.concat(chunks)).replace(/\r?\n$/, '');
}

/**
 * Asks on a terminal without echo, not even of the length. Backspace and Ctrl-U edit; Ctrl-C and Ctrl-D give up:
 * the answer is then null. The terminal is as it was when this returns or throws.
 */
export async function readSecretFromTerminal(
  input: ReadStream,
  output: Writable,
  prompt: string,
): Promise<string | null> {
  const wasRaw = input.isRaw;
  // Before the prompt: whoever answers it at once must not be echoed.
  input.setRawMode(true);
  try {
    output.write(prompt);
    return await readKeys(input);
  } finally {
    input.setRawMode(wasRaw);
    input.pause();
    output.write('\n');
  }
}

async function readKeys(input: ReadStream): Promise<string | null> {
  let typed: number[] = [];
  let inEscape = false;
  for await (const chunk of input.iterator({ destroyOnReturn: false })) {
    for (const byte of Buffer.from(chunk)) {
      if (byte === KEY.ctrlC || byte === KEY.ctrlD) return null;
      if (byte === KEY.carriageReturn || byte === KEY.lineFeed) return decode(Buffer.from(typed));
      if (byte === KEY.escape) inEscape = true;
      // An arrow or function key: ESC, `[` or `O`, and up to its final letter or `~`.
      else if (inEscape) inEscape = byte < 0x40 || byte === 0x5b || byte === 0x4f;
      else if (byte === KEY.backspace || byte === KEY.delete) typed = withoutLastCharacter(typed);
      else if (byte === KEY.ctrlU) typed = [];
      else if (byte >= 0x20) typed.push(byte);
      if (typed.length > MOST_BYTES) throw unusable('longer than 16 KiB');
    }
  }
  return null;
}

function withoutLastCharacter(bytes: readonly number[]): number[] {
  const start = bytes.findLastIndex((byte) => (byte & 0xc0) !== 0x80);
  return bytes.slice(0, Math.max(start, 0));
}

function decode(bytes: Buffer): string {
  if (bytes.length === 0) throw unusable('empty');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw unusable('not UTF-8 text');
  } finally {
    bytes.fill(0);
  }
}

function unusable(what: string): VaultError {
  return new VaultError({
    code: 'bad_request',
    rule: 'vault.value',
    message: `Nothing was stored: the value is ${what}.`,
    remedy: 'Paste the key alone, on one line.',
  });
}
