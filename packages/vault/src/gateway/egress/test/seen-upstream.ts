import type { IncomingMessage } from 'node:http';
import { certify, startEgress, startUpstream } from './start-egress.ts';

/** An egress and one host that it may reach, which keeps what it is sent. */
export async function startSeenUpstream(host = 'up.test') {
  const seen: { head: IncomingMessage; body: string }[] = [];
  const upstream = await startUpstream((head, response) => {
    let body = '';
    head.on('data', (chunk) => {
      body += chunk;
    });
    head.on('end', () => {
      seen.push({ head, body });
      response.end(`seen ${head.url}\n`);
    });
  }, certify(host));
  const at = await startEgress({ pins: { [host]: upstream.port, 'other.test': upstream.port } });
  return {
    at,
    seen,
    upstream,
    async [Symbol.asyncDispose]() {
      await at[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

export const lastOf = (seen: readonly { head: IncomingMessage }[]): IncomingMessage | undefined =>
  seen.at(-1)?.head;

export const statusesOf = (heard: string): string[] =>
  [...heard.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, code = '']) => code);
