import type { EgressRequest } from '@openlegion/contract/keeper-protocol';
import { refuse } from '../refuse.ts';

/** A placeholder, or a credential by its name. */
export const TOKEN = /olp_[0-9a-f]{40}|\$CRED\{[^{}\r\n]{1,100}\}/g;
const LONGEST_TOKEN = 107;
/** More than one is refused anyway, and the keeper's lines are bounded. */
const MOST_TOLD = 16;

type Found = EgressRequest['tokens'];

/**
 * Every token in a request's line and headers, and where. As it stands in a header, or within its Basic, the place
 * is `header:{name}`, which is where it may be swapped; percent-encoded it is found too, in a place of which no
 * binding speaks.
 */
export function findTokens(path: string, rawHeaders: readonly string[]): Found {
  const found: Found = [];
  const look = (text: string, place: string): void => {
    for (const [token] of text.matchAll(TOKEN)) found.push({ token, place });
    if (!text.includes('%')) return;
    for (const [token] of percentDecoded(text).matchAll(TOKEN))
      if (!text.includes(token)) found.push({ token, place: `${place} (percent-encoded)` });
  };
  look(path, 'path');
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    const value = rawHeaders[at + 1] ?? '';
    look(name, 'header name');
    look(value, `header:${name}`);
    look(basicText(value) ?? '', `header:${name}`);
  }
  return found.slice(0, MOST_TOLD).map(({ token, place }) => ({ token, place: place.slice(0, 200) }));
}

/** What is inside `Basic …`; null for another scheme. */
export function basicText(value: string): string | null {
  const encoded = /^basic +([A-Za-z0-9+/_=-]+) *$/i.exec(value)?.[1];
  return encoded === undefined ? null : Buffer.from(encoded, 'base64').toString('latin1');
}

/** Twice, since some servers decode twice; what is no escape stays. */
function percentDecoded(text: string): string {
  const once = (given: string): string =>
    given.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return once(once(text));
}

/** Throws `denied` at the piece of a body that completes a token; so the upstream never gets that body whole. */
export function createBodyGuard(): (chunk: Buffer) => void {
  let tail: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const seam = Buffer.concat([tail, chunk.subarray(0, LONGEST_TOKEN)]);
    if (holdsToken(seam) || (chunk.length > LONGEST_TOKEN && holdsToken(chunk)))
      throw refuse(
        'denied',
        'egress.token.body',
        'The body of the request holds a placeholder or $CRED{…}, which is swapped in one header only.',
        'Send the credential in the header that its service takes it in; `vault_list` names it.',
      );
    tail = Buffer.from((chunk.length < LONGEST_TOKEN ? seam : chunk).subarray(-LONGEST_TOKEN));
  };
}

function holdsToken(bytes: Buffer): boolean {
  // Two searches at the speed of memory; only what may hold a token becomes text.
  if (bytes.indexOf('olp_') === -1 && bytes.indexOf('$CRED{') === -1) return false;
  return bytes.toString('latin1').search(TOKEN) !== -1;
}
