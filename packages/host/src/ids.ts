import { randomBytes } from 'node:crypto';

/** Makes identifiers that cannot be guessed and sort by the time they were made. */
export type NewId = (kind: 'msg' | 'trc' | 'apr' | 'wfr' | 'evt') => string;

/** `msg_`, `trc_`, `apr_` or `wfr_`, 9 characters of time in base 36, 16 of randomness in hex. */
export function createNewId(now: () => number): NewId {
  return (kind) => `${kind}_${now().toString(36).padStart(9, '0')}${randomBytes(8).toString('hex')}`;
}
