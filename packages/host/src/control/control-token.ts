import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, fchmodSync, openSync, writeSync } from 'node:fs';
import type { ControlCaller } from '@openlegion/contract/control-caller';
import type { Clock } from '../clock.ts';

/** Makes a new token at every start and writes it where only the person who runs OpenLegion can read it. */
export function writeControlToken(path: string): string {
  const token = newToken();
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

/** 256 random bits. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Who a token stands for; `revoked` aborts when it no longer does, so that open streams end with it. */
export interface KnownCaller extends ControlCaller {
  revoked?: AbortSignal;
}

export type TokenDecision = KnownCaller | 'wrong' | 'wait';

/** A person whose token has this digest; null where there is none. Must take as long for each digest. */
export type FindPerson = (digest: Buffer) => KnownCaller | null;

/** Wrong tokens in a row before answers are held back, and for how long at most. */
const FREE_TRIES = 10;
const LONGEST_WAIT_MS = 60_000;
const OPERATOR: KnownCaller = { name: 'operator', role: 'admin' };

/**
 * Compares in constant time. After ten wrong tokens in a row every further wrong one closes the door to wrong ones
 * for twice as long, up to a minute; a right token is always let in, so that guessing locks nobody out. With 256
 * random bits the wait is there for the log, not for the odds.
 */
export function createTokenCheck(
  token: string,
  clock: Clock,
  findPerson: FindPerson = () => null,
): (header: string | undefined) => TokenDecision {
  const wanted = digestOf(token);
  let wrong = 0;
  let closedUntil = 0;
  return (header) => {
    const digest = digestOf(header?.startsWith('Bearer ') ? header.slice('Bearer '.length) : '');
    const person = findPerson(digest);
    const caller = timingSafeEqual(digest, wanted) ? OPERATOR : person;
    if (caller) {
      wrong = 0;
      return caller;
    }
    const now = clock.now();
    if (now < closedUntil) return 'wait';
    wrong += 1;
    if (wrong >= FREE_TRIES) closedUntil = now + Math.min(LONGEST_WAIT_MS, 1000 * 2 ** (wrong - FREE_TRIES));
    return 'wrong';
  };
}

/** SHA-256: a token is 256 random bits, of which no list can be tried. */
export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
