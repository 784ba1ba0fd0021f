import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { quote, refuse } from '../process/refuse.ts';

/** Where a request goes, read once: what is decided about is what is dialled. */
export interface Place {
  /** Lower case, without a trailing dot; an address literal in its canonical form, without brackets. */
  host: string;
  port: number;
}

const NAME = /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.|$))+(?<!\.)$/;
/** Blanks and control characters, and what separates a host from something else, or could. */
const FOREIGN = /[^!-~\u0080-\uffff]|[%@/\\?#<>^|"'`{}*,;=+&$!()]/;

/**
 * The one reading of a host. Other spellings of the same (case, one trailing dot, IDNA, `0x7f.1`, `2130706433`) become
 * the canonical one; what could be read in two ways (user names, NUL, percent signs, zone ids, blanks) is null.
 */
export function parseHost(text: string): string | null {
  if (text.length > 255 || FOREIGN.test(text)) return null;
  const ascii = domainToASCII(text.replace(/\.$/, ''));
  if (ascii.startsWith('[')) return isIP(ascii.slice(1, -1)) === 6 ? ascii.slice(1, -1) : null;
  return NAME.test(ascii) ? ascii : null;
}

/** `host`, `host:port` or `[address]:port`. Null for anything else, and without a port where there is no default. */
export function parseAuthority(text: string, defaultPort: number | null): Place | null {
  const [, name = '', digits] = /^(\[[^[\]]*\]|[^:[\]]*)(?::([1-9][0-9]{0,4}))?$/.exec(text) ?? [];
  const host = parseHost(name);
  const port = digits === undefined ? defaultPort : Number(digits);
  return host === null || port === null || port > 65_535 ? null : { host, port };
}

/** The path and query as sent on: visible ASCII, at most 8 KiB, no fragment. Throws `bad_request`. */
export function checkPath(path: string): string {
  if (!/^\/[!"$-~]{0,8191}$/.test(path)) throw malformed(`the path ${quote(path)}`);
  return path;
}

/** An absolute-form target: `http://host[:port]/path`, and nothing but http. Throws `bad_request`. */
export function parseAbsolute(target: string): Place & { path: string } {
  const [, authority = '', rest = ''] = /^http:\/\/([^/?#]*)([/?][^#]*)?$/i.exec(target) ?? [];
  const place = parseAuthority(authority, 80);
  if (!place) throw malformed(`the target ${quote(target)}`);
  return { ...place, path: checkPath(rest.startsWith('/') ? rest : `/${rest}`) };
}

/** What cannot be read in one way only. */
export function malformed(what: string) {
  const message = `This is no request that can be read in one way only: ${what}.`;
  const remedy = 'The proxy takes CONNECT host:port, and requests to http://host/path.';
  return refuse('bad_request', 'egress.request', message, remedy);
}

/** How a place is written in a Host header. */
export function hostHeader({ host, port }: Place, defaultPort: number): string {
  const name = isIP(host) === 6 ? `[${host}]` : host;
  return port === defaultPort ? name : `${name}:${port}`;
}
