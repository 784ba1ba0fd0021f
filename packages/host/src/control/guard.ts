import type { Refusal } from '@openlegion/contract/refusal';
import type { KnownCaller, TokenDecision } from './control-token.ts';

const LOOPBACK_NAME = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::(\d{1,5}))?$/;

/**
 * Who asks, or why the request to the control API is not looked at further. The Host header must name loopback
 * (a page whose name was rebound to 127.0.0.1 bears its own), and an Origin must be ours (a page in the person's
 * browser has its own).
 */
export function guardRequest(
  headers: { host: string | undefined; origin: string | undefined; authorization: string | undefined },
  check: (authorization: string | undefined) => TokenDecision,
): { refusal: Refusal } | { refusal: null; caller: KnownCaller } {
  const host = LOOPBACK_NAME.exec(headers.host ?? '');
  if (!host) return { refusal: FOREIGN_HOST };
  if (headers.origin !== undefined && headers.origin !== `http://${headers.host}`)
    return { refusal: FOREIGN_ORIGIN };
  const caller = check(headers.authorization);
  if (caller === 'wait') return { refusal: TOO_MANY_TRIES };
  return caller === 'wrong' ? { refusal: WRONG_TOKEN } : { refusal: null, caller };
}

const FOREIGN_HOST: Refusal = {
  code: 'denied',
  rule: 'control.host',
  message: 'The Host header does not name this machine.',
  remedy: 'Use http://127.0.0.1 and the port.',
};

const FOREIGN_ORIGIN: Refusal = {
  code: 'denied',
  rule: 'control.origin',
  message: 'This request comes from a page of another origin.',
  remedy: 'Use the openlegion command.',
};

const WRONG_TOKEN: Refusal = {
  code: 'unauthenticated',
  rule: 'control.token',
  message: 'The token is missing or wrong.',
  remedy:
    'Send "Authorization: Bearer" and the content of data/control.token, which is new after each start, or a token of your own that was neither revoked nor has expired.',
};

const TOO_MANY_TRIES: Refusal = {
  code: 'rate_limited',
  rule: 'control.token',
  message: 'Too many wrong tokens.',
  remedy: 'Wait a minute, then use the token in data/control.token.',
};
