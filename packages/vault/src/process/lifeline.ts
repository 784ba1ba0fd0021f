import type { Readable } from 'node:stream';

/**
 * Calls `stop` once when `input` (fd 0) ends, fails or is closed: the supervisor is gone or wants this process to
 * stop. What the lifeline carries is thrown away.
 */
export function holdLifeline(input: Readable, stop: () => void): void {
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    stop();
  };
  input.once('end', end);
  input.once('close', end);
  input.on('error', end);
  input.resume();
}
