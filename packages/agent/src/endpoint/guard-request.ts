import type { IncomingHttpHeaders } from 'node:http';
import type { Refusal } from '@openlegion/contract/refusal';

/**
 * A page in the agent's own browser can post to a loopback port, and a name that resolves here can reach it. Browsers
 * say where a request comes from (Fetch Metadata, Origin) and to which name they think they speak; a program of the
 * container says neither and names loopback.
 */
export function guardRequest(headers: IncomingHttpHeaders, port: number): Refusal | null {
  if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined)
    return refused('endpoint.browser', 'Requests of web pages are not answered here.');
  if (headers.host !== `127.0.0.1:${port}` && headers.host !== `localhost:${port}`)
    return refused('endpoint.host', `This endpoint is http://127.0.0.1:${port} and has no other name.`);
  return null;
}

function refused(rule: string, message: string): Refusal {
  return { code: 'denied', rule, message, remedy: 'Call it from a program in the container.' };
}
