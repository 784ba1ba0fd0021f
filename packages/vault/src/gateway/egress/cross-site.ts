import type { IncomingMessage } from 'node:http';

/**
 * Whether a web page makes a browser ask something of another site (Fetch Metadata; RFC 6454 for those that only say
 * their origin). The browser of an agent would have its credential added like any program, and so lend it to every
 * page that it shows. Following a link is not counted: that shows a page and changes nothing. Programs say neither.
 */
export function isCrossSite({ method = '', headers }: IncomingMessage, host: string): boolean {
  const { origin } = headers;
  const site = headers['sec-fetch-site'] ?? (origin === undefined ? 'none' : 'cross-site');
  if (site === 'none' || site === 'same-origin' || origin === `https://${host}`) return false;
  const follows = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return !(follows && /^(?:GET|HEAD)$/.test(method));
}
