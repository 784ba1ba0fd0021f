import type { IncomingMessage } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http2';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { MeshRequest } from '../pipe/pipe.ts';
import type { Caller } from '../vault/call-gateway.ts';
import type { GatewayClient } from '../vault/gateway-client.ts';
import { forwardCall } from './forward-call.ts';

export const SERVICE_METHODS: readonly string[] = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
];

/** Visible ASCII; what a path may mean at the service is the gateway's to judge, that it stays below ours is not. */
const SERVICE_PATH = /^\/services\/[a-z0-9_]{1,100}\/[!-~]{0,8000}$/;
const STEP_UP = /\/(?:\.|%2e){1,2}(?:[/?#]|$)|[#\\]/i;

/** Of one connection only (RFC 9110, 7.6.1), or said by us. */
const NEVER_PASSED = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * One request to a service whose credential the agent was granted. The agent's headers go on but for those of the
 * connection and those in which we say who asks; the same for the answer's. Ends the answer itself.
 */
export async function callService(
  request: MeshRequest,
  caller: Caller,
  gateway: GatewayClient,
): Promise<undefined> {
  const { path, headers } = request;
  if (!SERVICE_PATH.test(path) || STEP_UP.test(path)) throw new OpenLegionError(BAD_PATH);
  const passed = {
    request: passedHeaders(headers),
    answer: (answer: IncomingMessage) => passedHeaders(answer.headers),
  };
  await forwardCall(request, passed, caller, gateway);
  request.stream.end();
}

function passedHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const named = new Set(
    String(headers.connection ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase()),
  );
  const passed: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(':') || NEVER_PASSED.has(name) || named.has(name)) continue;
    if (name.startsWith('x-openlegion-')) continue;
    passed[name] = value;
  }
  return passed;
}

const BAD_PATH = {
  code: 'bad_request',
  rule: 'mesh.services.path',
  message: 'This is not the path of a service.',
  remedy: 'Use /services/, the short name of the credential, and the path that the service documents.',
} as const;
