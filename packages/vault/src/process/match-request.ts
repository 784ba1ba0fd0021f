import { isIP } from 'node:net';
import type { CredentialBinding, RequestRule } from '@openlegion/contract/keeper-protocol';

/**
 * `*` stands for anything within a segment, `**` for anything; all else for itself. Never backtracks beyond the last
 * of either, so no pattern makes a path expensive.
 */
export function matchesGlob(glob: string, text: string): boolean {
  let [g, t] = [0, 0];
  let star = { glob: -1, text: 0 };
  let deep = { glob: -1, text: 0 };
  while (t < text.length) {
    if (glob.startsWith('**', g)) {
      g += 2;
      deep = { glob: g, text: t };
      star = { glob: -1, text: 0 };
    } else if (glob[g] === '*') {
      g += 1;
      star = { glob: g, text: t };
    } else if (glob[g] === text[t]) {
      g += 1;
      t += 1;
    } else if (star.glob >= 0 && text[star.text] !== '/') {
      star.text += 1;
      [g, t] = [star.glob, star.text];
    } else if (deep.glob >= 0) {
      deep.text += 1;
      star.glob = -1;
      [g, t] = [deep.glob, deep.text];
    } else return false;
  }
  return /^\**$/.test(glob.slice(g));
}

/** Exact, or `*.example.com` for any depth below it and not itself. An address is nobody's subdomain. */
export function matchesHost(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === host;
  return isIP(host) === 0 && host.endsWith(pattern.slice(1)) && host.length >= pattern.length;
}

/** One of `allowed_domains`: a host or `*.host`, with `:port` or for 443 and 80. What is spelled oddly reaches nothing. */
export function reaches(pattern: string, host: string, port: number): boolean {
  const parts = /^(\[[0-9a-f:]+\]|[^:[\]]+|[0-9a-f:]+)(?::([0-9]{1,5}))?$/i.exec(pattern);
  const name = parts?.[1]?.toLowerCase().replace(/^\[|\]$|\.$/g, '');
  if (!name || !matchesHost(name, host)) return false;
  return parts?.[2] === undefined ? port === 443 || port === 80 : Number(parts[2]) === port;
}

/**
 * Whether a request is one of those that the binding is for. A path that an upstream may read as another one (dot
 * segments, backslashes, control characters, percent signs that decode to more of them) is none of them.
 */
export function permits(binding: CredentialBinding, method: string, target: string): boolean {
  const [path = '', query = ''] = splitOnce(target, '?');
  const plain = plainPath(path);
  if (plain === null) return false;
  const fits = (rule: RequestRule, glob: string, seen: string): boolean =>
    (rule.methods.includes(method) || rule.methods.includes('*')) &&
    matchesGlob(glob, glob.includes('?') ? `${seen}?${query}` : seen);
  const allowed = binding.allow.filter((rule) => fits(rule, rule.path, path));
  const isDenied = binding.deny.some((rule) =>
    [path.toLowerCase(), plain, plain.replace(/\.[a-z0-9]{1,5}$/, '')].some((seen) =>
      fits(rule, rule.path.toLowerCase(), seen),
    ),
  );
  return isDenied ? allowed.some(({ path: named }) => !named.includes('*')) : allowed.length > 0;
}

/** How the most forgiving of upstreams reads a path: decoded, in lower case, without parameters or empty segments. */
function plainPath(path: string): string | null {
  let plain = path;
  for (let round = 0; plain.includes('%'); round += 1) {
    try {
      plain = decodeURIComponent(plain);
    } catch {
      return null;
    }
    if (round === 3) return null;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\x00-\x1f\x7f\\]/.test(plain) || /(^|\/)\.{1,2}(;|\/|$)/.test(plain)) return null;
  const short = plain
    .toLowerCase()
    .replace(/;[^/]*/g, '')
    .replace(/\/+/g, '/');
  return short.length > 1 ? short.replace(/\/$/, '') : short;
}

function splitOnce(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)];
}
