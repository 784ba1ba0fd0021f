import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, fchmodSync, openSync, writeSync } from 'node:fs';
import type { Clock } from '../clock.ts';

/** Makes a new token at every start and writes it where only the person who runs OpenLegion can read it. */
export function writeControlToken(path: string): string {
  const token = randomBytes(32).toString('base64url');
  const file = openSync(path, 'w', 0o600);
  try {
    // A file left by someone else may have another mode; the token is written after it has this one.
    fchmodSync(file, 0o600);
    writeSync(file, `${token}\n`);
  } finally {
    closeSync(file);
  }
  return token;
}

export type TokenDecision = 'right' | 'wrong' | 'wait';

/** Wrong tokens in a row before answers are held back, and for how long at most. */
const FREE_TRIES = 10;
const LONGEST_WAIT_MS = 60_000;

/**
 * Compares in constant time. After ten wrong tokens in a row every further wrong one closes the door to wrong ones
 * for twice as long, up to a minute; the right token is always let in, so that guessing locks nobody out. With 256
 * random bits the wait is there for the log, not for the odds.
 */
export function createTokenCheck(token: string, clock: Clock): (header: string | undefined) => TokenDecision {
  const wanted = digest(`Bearer ${token}`);
  let wrong = 0;
  let closedUntil = 0;
  return (header) => {
    if (header !== undefined && timingSafeEqual(digest(header), wanted)) {
      wrong = 0;
      return 'right';
    }
    const now = clock.now();
    if (now < closedUntil) return 'wait';
    wrong += 1;
    if (wrong >= FREE_TRIES) closedUntil = now + Math.min(LONGEST_WAIT_MS, 1000 * 2 ** (wrong - FREE_TRIES));
    return 'wrong';
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
