import type { IncomingMessage } from 'node:http';
import type { EgressAnswer } from '@openlegion/contract/keeper-protocol';
import { refuse } from '../refuse.ts';
import { basicText, TOKEN } from './find-tokens.ts';
import { malformed } from './read-place.ts';

export type Credential = NonNullable<EgressAnswer['credential']>;

/** RFC 9110, section 7.6.1, with what only concerns the proxy; the framing is made anew. */
const HOP = new Set([
  ...[
    'connection',
    'keep-alive',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'host',
    'expect',
    'content-length',
  ],
  ...[
    'proxy-authenticate',
    'proxy-authorization',
    'proxy-connection',
    'proxy-authentication-info',
    'alt-svc',
  ],
]);

/** Not asked for while a secret travels: pieces and compressed answers could carry it past the search for it. */
const HIDING = new Set(['accept-encoding', 'range', 'if-range']);

/** Throws `bad_request` for a message that another parser could end, or place, elsewhere than ours. */
export function checkFraming(request: IncomingMessage): void {
  const names = request.rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  for (const name of ['host', 'content-length', 'transfer-encoding'])
    if (names.filter((other) => other === name).length > 1) throw malformed(`more than one ${name} header`);
  const coding = request.headers['transfer-encoding'];
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || names.includes('content-length')))
    throw malformed('transfer-encoding');
}

/** Headers that end with this connection, and those that `Connection` names. */
export function endToEnd(rawHeaders: readonly string[], connection: string | undefined): [string, string][] {
  const listed = new Set((connection ?? '').toLowerCase().split(/[\s,]+/));
  const kept: [string, string][] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    const lower = name.toLowerCase();
    if (!HOP.has(lower) && !listed.has(lower)) kept.push([name, rawHeaders[at + 1] ?? '']);
  }
  return kept;
}

/** What the upstream gets, flat: with at most one credential, in its one header. Throws refusals. */
export function outgoingHeaders(
  request: IncomingMessage,
  host: string,
  credential: Credential | null,
  upgrade: boolean,
): string[] {
  const { 'content-length': length, 'transfer-encoding': coding, connection } = request.headers;
  const kept = endToEnd(request.rawHeaders, connection).filter(
    ([name]) =>
      !name.toLowerCase().startsWith('x-openlegion-') && !(credential && HIDING.has(name.toLowerCase())),
  );
  const rest = kept.filter(([name]) => name.toLowerCase() !== credential?.header);
  const headers: [string, string][] = [['Host', host], ...rest];
  if (credential) {
    const given = kept.filter(([name]) => name.toLowerCase() === credential.header).map(([, value]) => value);
    headers.push([credential.header, inject(credential, given)], ['Accept-Encoding', 'identity']);
  }
  // The keeper refuses them before; what it let through unswapped goes nowhere.
  else if (headers.some(([, value]) => value.search(TOKEN) !== -1))
    throw refuse(
      'denied',
      'egress.token',
      'A placeholder stands where none is swapped.',
      'Send it to its own service.',
    );
  if (upgrade) headers.push(['Connection', 'Upgrade'], ['Upgrade', 'websocket']);
  if (coding !== undefined) headers.push(['Transfer-Encoding', 'chunked']);
  else if (length !== undefined) headers.push(['Content-Length', length]);
  else if (/^(?:POST|PUT|PATCH)$/.test(request.method ?? '')) headers.push(['Content-Length', '0']);
  return headers.flat();
}

/**
 * The value of the declared header: the program's own with its tokens swapped, also within Basic; where it holds
 * none, or there is no such header, the credential in the binding's scheme.
 */
function inject({ name, scheme, user, secret }: Credential, given: readonly string[]): string {
  // Visible ASCII alone: nothing in it can end the header. Less than eight characters could not be searched for.
  if (!/^[!-~]{8,4096}$/.test(secret) || !/^[!-9;-~]{0,256}$/.test(user))
    throw refuse(
      'denied',
      'vault.credential',
      `The credential ${name} cannot be sent: it must be 8 to 4096 visible ASCII characters.`,
      `Store it again: ./openlegion vault add ${name}.`,
    );
  if (given.length > 1) throw malformed('the header of the credential comes twice');
  const [own = ''] = given;
  const basic = basicText(own);
  const swapped = (text: string): string => text.replace(TOKEN, () => secret);
  if (basic !== null && basic.search(TOKEN) !== -1) return `Basic ${base64(swapped(basic))}`;
  if (own.search(TOKEN) !== -1) return swapped(own);
  if (scheme === 'basic') return `Basic ${base64(`${user}:${secret}`)}`;
  return scheme === 'raw' ? secret : `${scheme === 'bearer' ? 'Bearer' : 'token'} ${secret}`;
}

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
