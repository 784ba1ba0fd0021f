import { closeSync, readSync } from 'node:fs';
import { isGiven } from './report.ts';
import { KEY_BYTES } from './sealed-box.ts';

const KEY_FD = 4;

/**
 * The key that the supervisor gave: its file is 32 bytes and nothing else; one byte more is read so that a longer
 * file is noticed. Empty where none was given.
 */
export function readKeyFile(): Buffer {
  const buffer = Buffer.alloc(KEY_BYTES + 1);
  let length = 0;
  if (isGiven(KEY_FD)) {
    for (let read = -1; read !== 0 && length < buffer.length; length += read)
      read = readSync(KEY_FD, buffer, length, buffer.length - length, null);
    closeSync(KEY_FD);
  }
  return buffer.subarray(0, length);
}
