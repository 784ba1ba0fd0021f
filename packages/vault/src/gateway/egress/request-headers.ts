import type { IncomingMessage } from 'node:http';
import type { EgressAnswer } from '@openlegion/contract/keeper-protocol';
import { malformed } from '../../address/read-place.ts';
import { refuse } from '../../process/refuse.ts';
import { isSearchable } from '../../scrub/scrub.ts';
import { isCrossSite } from './cross-site.ts';
import { basicText, TOKEN } from './find-tokens.ts';

export type Credential = NonNullable<EgressAnswer['credential']>;

/** RFC 9110, section 7.6.1, with what only concerns the proxy; the framing is made anew. */
const HOP =
  /^(?:connection|keep-alive|te|trailer|transfer-encoding|upgrade|host|expect|content-length|alt-svc|proxy-.*|x-openlegion-.*)$/;
/** Not asked for while a secret travels: pieces, compressed answers and compressed frames could carry it past the search. */
const HIDING = /^(?:accept-encoding|range|if-range|sec-websocket-extensions)$/;
/** Nor what some upstreams take for the method or path of a request in place of those that were decided about. */
const REWRITING = /^x-(?:http-method|http-method-override|method-override|original-url|rewrite-url)$/;

/** Throws `bad_request` for a message that another parser could end, or place, elsewhere than ours. */
export function checkFraming({ rawHeaders, headers }: IncomingMessage): void {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  const { 'transfer-encoding': coding = 'chunked' } = headers;
  const times = (name: string): number => names.filter((other) => other === name).length;
  if (
    times('host') !== 1 ||
    times('content-length') + times('transfer-encoding') > 1 ||
    !/^chunked$/i.test(coding)
  )
    throw malformed('host, content-length or transfer-encoding');
}

/** A message's headers without those that end with its connection, or that `Connection` names. */
export function endToEnd(rawHeaders: readonly string[], connection = ''): [string, string][] {
  const listed = new Set(connection.toLowerCase().split(/[\s,]+/));
  const kept: [string, string][] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    const lower = name.toLowerCase();
    if (!HOP.test(lower) && !listed.has(lower)) kept.push([name, value]);
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
  if (credential && isCrossSite(request, host)) throw CROSS_SITE;
  const { method = '', headers: given, rawHeaders } = request;
  const headers: [string, string][] = [['Host', host]];
  const own: string[] = [];
  for (const [name, value] of endToEnd(rawHeaders, given.connection)) {
    const lower = name.toLowerCase();
    if (lower === credential?.header) own.push(value);
    else if (!credential || !(HIDING.test(lower) || REWRITING.test(lower))) headers.push([name, value]);
  }
  if (credential) headers.push([credential.header, inject(credential, own)], ['Accept-Encoding', 'identity']);
  if (upgrade) headers.push(['Connection', 'Upgrade'], ['Upgrade', 'websocket']);
  if (given['transfer-encoding'] !== undefined) headers.push(['Transfer-Encoding', 'chunked']);
  else if (given['content-length'] !== undefined) headers.push(['Content-Length', given['content-length']]);
  else if (/^(?:POST|PUT|PATCH)$/.test(method)) headers.push(['Content-Length', '0']);
  return headers.flat();
}

/**
 * The value of the declared header: the program's own with its tokens swapped, also within Basic; where it holds
 * none, or there is no such header, the credential in the binding's scheme.
 */
function inject({ name, scheme, user, secret }: Credential, given: readonly string[]): string {
  // Visible ASCII alone: nothing in it can end the header.
  if (!isSearchable(secret) || !/^[!-9;-~]{0,256}$/.test(user)) {
    const message = `The credential ${name} cannot be sent: 8 to 4096 visible ASCII characters, not repeating themselves, can.`;
    throw refuse('denied', 'vault.credential', message, `Store it again: ./openlegion vault add ${name}.`);
  }
  if (given.length > 1) throw malformed('the header of the credential comes twice');
  const [own = ''] = given;
  const text = basicText(own);
  if (text !== null && text.search(TOKEN) !== -1) return basic(text.replace(TOKEN, () => secret));
  if (own.search(TOKEN) !== -1) return own.replace(TOKEN, () => secret);
  if (scheme === 'basic') return basic(`${user}:${secret}`);
  return { raw: '', bearer: 'Bearer ', token: 'token ' }[scheme] + secret;
}

const CROSS_SITE = refuse(
  'denied',
  'egress.cross_site',
  'A web page of another site asked for a host that a credential is added at.',
  'Ask from a page of that host itself, or with a program.',
);

export const basic = (text: string): string => `Basic ${Buffer.from(text, 'latin1').toString('base64')}`;
