import { malformed, type Parser, text } from './strict-parser.ts';

export type CredentialTier = 'system' | 'cred';

/** `OPENLEGION_SYSTEM_*` is never reachable by an agent under any grant; `OPENLEGION_CRED_*` is for tools. */
export const credentialName: Parser<string> = text(
  120,
  /^OPENLEGION_(?:SYSTEM|CRED)_[A-Z0-9_]{1,100}$/,
  'a name that starts with OPENLEGION_SYSTEM_ or OPENLEGION_CRED_, then capitals, digits and underscores',
);

/** The tier of a name that `credentialName` let through. */
export function tierOf(name: string): CredentialTier {
  return name.startsWith('OPENLEGION_SYSTEM_') ? 'system' : 'cred';
}

const ORIGIN = 'https://host[:port], http:// of this machine alone, or unix:/path, with nothing after it';
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Where a system key may be sent, in the one spelling in which origins are compared. Cleartext leaves the machine on
 * no path, so `http` is for loopback only; there are no wildcards, for a key is for one service.
 */
export const credentialOrigin: Parser<string> = (value, at) => {
  if (typeof value !== 'string' || value.length > 300) throw malformed(at, ORIGIN);
  if (/^unix:\/[\w./@+-]{1,106}$/.test(value) && !value.includes('..')) return value;
  const url = URL.canParse(value) ? new URL(value) : null;
  const named = url && /^(?:[a-z0-9_-]+\.)*[a-z0-9_-]+$|^\[[0-9a-f:]+\]$/.test(url.hostname);
  const safe =
    named && (url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname)));
  // What is not spelled as the origin (a path, a user, capitals, a default port, an odd IPv4) is refused, not guessed.
  if (!safe || url.origin !== value) throw malformed(at, ORIGIN);
  return value;
};

/** `OPENLEGION_CRED_GITHUB` → `github`: how agents, grants and `$CRED{}` call it. */
export function shortName(name: string): string {
  return name.replace('OPENLEGION_CRED_', '').toLowerCase();
}
