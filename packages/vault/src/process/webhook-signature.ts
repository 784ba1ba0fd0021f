import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SignatureCheck } from '@openlegion/contract/keeper-protocol';

const WINDOW_S = 300;

/**
 * True when `signature` is the one of this body under `secret`, and, in styles that sign a time, that time is within
 * 300 s of now. The bytes are taken as they came: hexadecimal digits in capitals, another prefix or another
 * algorithm are another signature.
 */
export function isSignedBy(secret: Buffer, check: SignatureCheck, nowMs: number): boolean {
  const { style, signature } = check;
  const body = Buffer.from(check.bodyBase64, 'base64');
  const timely = (timestamp: string): boolean =>
    /^[0-9]{1,12}$/.test(timestamp) && Math.abs(nowMs / 1000 - Number(timestamp)) <= WINDOW_S;
  const matches = (given: string, signed: string): boolean => {
    const wanted = createHmac('sha256', secret).update(signed).update(body).digest('hex');
    const bytes = Buffer.from(given);
    // Only the length, which is no secret, ends the comparison early.
    return bytes.length === wanted.length && timingSafeEqual(bytes, Buffer.from(wanted));
  };
  const after = (prefix: string): string =>
    signature.startsWith(prefix) ? signature.slice(prefix.length) : '';
  switch (style) {
    case 'github':
      return matches(after('sha256='), '');
    case 'slack':
      return timely(check.timestamp) && matches(after('v0='), `v0:${check.timestamp}:`);
    case 'openlegion':
      return timely(check.timestamp) && matches(signature, `${check.timestamp}.`);
    case 'stripe': {
      // `t=…,v1=…`: several v1 while a secret is rolled over; other schemes (v0) are not taken.
      const parts = signature.split(',').slice(0, 16);
      const times = parts.flatMap((part) => (part.startsWith('t=') ? [part.slice(2)] : []));
      const [time = '', ...others] = times;
      const stated = others.length === 0 && (check.timestamp === '' || check.timestamp === time);
      return (
        stated &&
        timely(time) &&
        parts.some((part) => part.startsWith('v1=') && matches(part.slice(3), `${time}.`))
      );
    }
  }
}
