import type { Refusal } from '@openlegion/contract/refusal';

/** Where an engine listens. */
export type EngineAddress =
  | { kind: 'unix'; path: string }
  | { kind: 'tcp'; host: string; port: number; tls: EngineTls | null };

/** PEM texts for an engine that asks for a client certificate. */
export interface EngineTls {
  ca: string;
  cert: string;
  key: string;
}

/** The address as people write it, for messages. */
export function engineAddressText(address: EngineAddress): string {
  return address.kind === 'unix' ? `unix://${address.path}` : `tcp://${address.host}:${address.port}`;
}

/**
 * Parses the value of `DOCKER_HOST` or of a docker context: `unix:///path`, `tcp://host:port`, `http://host:port`.
 * Refuses every other scheme (`ssh://`, `npipe://`, `fd://`) with a remedy. `source` is named in the refusal.
 */
export function parseEngineHost(text: string, source: string): EngineAddress | Refusal {
  const refusal = (message: string): Refusal => ({
    code: 'bad_request',
    rule: 'engine.address',
    message: `${source} names a container engine as ${JSON.stringify(text.slice(0, 200))}: ${message}`,
    remedy: 'Set DOCKER_HOST to unix:///path/to/docker.sock or tcp://host:port, or unset it.',
  });
  if (text.startsWith('unix://')) {
    const path = text.slice('unix://'.length);
    if (!path.startsWith('/')) return refusal('the path of a socket must be absolute');
    return { kind: 'unix', path };
  }
  if (text.startsWith('ssh://')) {
    return {
      ...refusal('an engine over ssh is not spoken to directly'),
      remedy:
        'Forward its socket (ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock HOST) and set DOCKER_HOST=unix:///tmp/engine.sock.',
    };
  }
  const url = URL.parse(text);
  if (!url || !['tcp:', 'http:', 'https:'].includes(url.protocol)) return refusal('this scheme is not known');
  // As a scheme that is not special, so that port 80 is not taken for a default.
  const tcp = URL.parse(text.replace(/^[a-z]+:/, 'tcp:'));
  if (!tcp?.hostname) return refusal('the host is missing');
  const port = tcp.port === '' ? (url.protocol === 'https:' ? 2376 : 2375) : Number(tcp.port);
  return { kind: 'tcp', host: tcp.hostname.replace(/^\[|\]$/g, ''), port, tls: null };
}
