import { isIP } from 'node:net';

/** A host that agents may be allowed to reach, in the spelling of `allowed_domains`; or why it cannot be one. */
export type DomainPattern =
  | { valid: true; pattern: string }
  | { valid: false; message: string; remedy: string };

const METADATA = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '192.0.0.192',
  'fd00:ec2::254',
  'metadata.google.internal',
  'metadata.goog',
  'metadata',
]);
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;

/**
 * `API.Example.com` → `api.example.com`; `*.example.com` and `host:port` as they are. Refused: addresses by which
 * clouds hand out credentials, private addresses (mesh.yaml names those), everything at once (`*`, `*.com`), and
 * what is no host. The keeper decides again for every request; this is so that no line is written which never works.
 */
export function parseDomainPattern(typed: string): DomainPattern {
  const [, star = '', name = '', port] =
    /^(\*\.)?(\[[0-9a-f:.]+\]|[^:/?#@[\]\s]+)(?::(\d{1,5}))?$/i.exec(typed) ?? [];
  if (name === '' || (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)))
    return wrong(
      `${JSON.stringify(typed)} is not a host.`,
      'A host stands alone, without https:// and without a path: api.example.com, *.example.com or host:8443.',
    );
  const host = name
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
  if (METADATA.has(host))
    return wrong(
      `${host} is where clouds hand out credentials; it is never reachable, whatever is listed.`,
      'If a program needs a cloud service, give it a credential for that: ./openlegion vault add.',
    );
  if (isIP(host) !== 0 || /^(?:0x[0-9a-f]+|[0-9]+)(?:\.(?:0x[0-9a-f]+|[0-9]+))*$/.test(host))
    return address(host, star, port);
  const labels = host.split('.');
  if (!labels.every((label) => LABEL.test(label)) || host.length > 253)
    return wrong(
      `${JSON.stringify(typed)} is not a name that can be looked up.`,
      'Names in other scripts are given as they are looked up: xn--….',
    );
  if (labels.length < 2)
    return wrong(
      star ? `*.${host} would be every host under .${host}.` : `${host} is not a name on the internet.`,
      star
        ? 'Name the domain: *.example.com.'
        : 'A host of your own network is named in mesh.yaml under egress.hosts, with its address.',
    );
  return { valid: true, pattern: `${star}${host}${port ? `:${port}` : ''}` };
}

function address(host: string, star: string, port: string | undefined): DomainPattern {
  if (star !== '' || isIP(host) === 0)
    return wrong(
      `${star}${host} is neither a name nor an address.`,
      'Addresses are written out: 203.0.113.7.',
    );
  if (isPrivate(host))
    return wrong(
      `${host} is an address of a private network or of this machine.`,
      'Give it a name in mesh.yaml under egress.hosts (name: { address: … }) and allow that name.',
    );
  const shown = isIP(host) === 6 ? `[${host}]` : host;
  return { valid: true, pattern: `${shown}${port ? `:${port}` : ''}` };
}

/** Coarse on purpose: the keeper and the gateway hold the whole list. */
function isPrivate(host: string): boolean {
  if (isIP(host) === 6) return !/^[23]/.test(host);
  return /^(?:0|10|127|169\.254|192\.168|192\.0\.0|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])|172\.(?:1[6-9]|2\d|3[01])|22[4-9]|23\d|24\d|25[0-5])\./.test(
    host,
  );
}

function wrong(message: string, remedy: string): DomainPattern {
  return { valid: false, message, remedy };
}
