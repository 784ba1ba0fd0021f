import type { EgressRequest } from '@openlegion/contract/keeper-protocol';
import { refuse } from '../../process/refuse.ts';

/** A placeholder, or a credential by its name. */
export const TOKEN = /olp_[0-9a-f]{40}|\$CRED\{[^{}\r\n]{1,100}\}/g;
const LONGEST_TOKEN = 107;
/** More than one is refused anyway, and the keeper's lines are bounded. */
const MOST_TOLD = 16;

/**
 * Every token in a request's line and headers, and where. As it stands in a header, or within its Basic, the place
 * is `header:{name}`, which is where it may be swapped; percent-encoded it is found too, in a place of which no
 * binding speaks.
 */
export function findTokens(path: string, rawHeaders: readonly string[]): EgressRequest['tokens'] {
  const found: EgressRequest['tokens'] = [];
  const look = (text: string, place: string): void => {
    for (const [token] of text.matchAll(TOKEN)) found.push({ token, place: place.slice(0, 200) });
  };
  const lookAll = (text: string, place: string): void => {
    look(text, place);
    // Twice, since some servers decode twice. What was found as it stands is told twice, and refused all the same.
    const decoded = percentDecoded(percentDecoded(text));
    if (decoded !== text) look(decoded, `${place.slice(0, 100)} (percent-encoded)`);
  };
  lookAll(path, 'path');
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    const place = `header:${name.toLowerCase()}`;
    lookAll(value, place);
    look(name.toLowerCase(), 'header name');
    look(basicText(value) ?? '', place);
  }
  return found.slice(0, MOST_TOLD);
}

/** What is inside `Basic …`; null for another scheme. */
export function basicText(value: string): string | null {
  const encoded = /^basic +([A-Za-z0-9+/_=-]+) *$/i.exec(value)?.[1];
  return encoded === undefined ? null : Buffer.from(encoded, 'base64').toString('latin1');
}

const percentDecoded = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** Throws `denied` at the piece of a body that completes a token; so the upstream never gets that body whole. */
export function createBodyGuard(): (chunk: Buffer) => Buffer {
  let tail: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const seam = Buffer.concat([tail, chunk.subarray(0, LONGEST_TOKEN)]);
    if (holdsToken(seam) || holdsToken(chunk)) {
      const message = 'The body holds a placeholder or $CRED{…}, which is swapped in one header only.';
      throw refuse(
        'denied',
        'egress.token.body',
        message,
        'Send it in the header that its service takes it in.',
      );
    }
    tail = Buffer.from((chunk.length < LONGEST_TOKEN ? seam : chunk).subarray(-LONGEST_TOKEN));
    return chunk;
  };
}

/** Two searches at the speed of memory; only what may hold a token becomes text. */
const holdsToken = (bytes: Buffer): boolean =>
  (bytes.includes('olp_') || bytes.includes('$CRED{')) && bytes.toString('latin1').search(TOKEN) !== -1;
