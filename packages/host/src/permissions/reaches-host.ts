import { isIP } from 'node:net';

/**
 * Whether an entry of `allowed_domains` covers `host` at `port`, as the keeper decides it: a host or `*.host` for any
 * depth below it, with `:port` or for 443 and 80. For showing; the keeper's own decision is the one that counts, and a
 * test holds the two together.
 */
export function reachesHost(entry: string, host: string, port: number): boolean {
  const parts = /^(\[[0-9a-f:]+\]|[^:[\]]+|[0-9a-f:]+)(?::([0-9]{1,5}))?$/i.exec(entry);
  const name = parts?.[1]?.toLowerCase().replace(/^\[|\]$|\.$/g, '');
  if (!name) return false;
  const covers = name.startsWith('*.')
    ? isIP(host) === 0 && host.length >= name.length && host.endsWith(name.slice(1))
    : name === host;
  return covers && (parts?.[2] === undefined ? port === 443 || port === 80 : Number(parts[2]) === port);
}

/** `API.example.com.:8443` as host and port; 443 where none is named. Null for what is no host. */
export function parseHost(text: string): { host: string; port: number } | null {
  const parts = /^(\[[0-9a-f:]+\]|[^:[\]/?#@\s]+)(?::([1-9][0-9]{0,4}))?$/i.exec(text);
  const host = parts?.[1]?.toLowerCase().replace(/^\[|\]$|\.$/g, '');
  return host ? { host, port: Number(parts?.[2] ?? 443) } : null;
}
