import type { Refusal } from '@openlegion/contract/refusal';
import type { TokenDecision } from './control-token.ts';

const LOOPBACK_NAME = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::(\d{1,5}))?$/;

/**
 * Why a request to the control API is not looked at further; null when it is. The Host header must name loopback
 * (a page whose name was rebound to 127.0.0.1 bears its own), and an Origin must be ours (a page in the person's
 * browser has its own).
 */
export function refuseRequest(
  headers: { host: string | undefined; origin: string | undefined; authorization: string | undefined },
  check: (authorization: string | undefined) => TokenDecision,
): Refusal | null {
  const host = LOOPBACK_NAME.exec(headers.host ?? '');
  if (!host) return FOREIGN_HOST;
  if (headers.origin !== undefined && headers.origin !== `http://${headers.host}`) return FOREIGN_ORIGIN;
  const decision = check(headers.authorization);
  if (decision === 'wait') return TOO_MANY_TRIES;
  return decision === 'right' ? null : WRONG_TOKEN;
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
    'Send "Authorization: Bearer" and the content of data/control.token, which is new after each start.',
};

const TOO_MANY_TRIES: Refusal = {
  code: 'rate_limited',
  rule: 'control.token',
  message: 'Too many wrong tokens.',
  remedy: 'Wait a minute, then use the token in data/control.token.',
};
