import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { GATEWAY_HEADERS } from '@openlegion/contract/gateway-protocol';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { RefusalBody } from '@openlegion/contract/refusal';
import type { Caller } from './call-gateway.ts';
import { gatewayAway } from './gateway-away.ts';

const ANSWER_TIMEOUT_MS = 10_000;
const REFUSAL_CHARACTERS = 16 * 1024;

/** `CONNECT egress` on a connection of its own. `head` is what already came after the answer. */
export function connectGateway(
  socketPath: string,
  { agent, traceId }: Caller,
): Promise<{ socket: Socket; head: Buffer }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ socket: Socket; head: Buffer }>();
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  const sent = request({
    createConnection: () => socket,
    method: 'CONNECT',
    path: 'egress',
    timeout: ANSWER_TIMEOUT_MS,
    headers: { host: 'gateway', [GATEWAY_HEADERS.agent]: agent, [GATEWAY_HEADERS.trace]: traceId },
  });
  sent.on('connect', (answer, _socket, head) => {
    if (answer.statusCode === 200) {
      socket.setTimeout(0);
      resolve({ socket, head });
      return;
    }
    refusalOf(socket, head).then(reject, (cause) => reject(gatewayAway(cause)));
  });
  sent.on('timeout', () => sent.destroy(gatewayAway()));
  sent.on('error', (cause) => reject(gatewayAway(cause)));
  sent.end();
  return promise;
}

async function refusalOf(socket: Socket, head: Buffer): Promise<OpenLegionError> {
  let text = head.toString('utf8');
  for await (const chunk of socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy())) {
    text += String(chunk);
    if (text.length > REFUSAL_CHARACTERS) break;
  }
  const { type: _, ...refusal } = RefusalBody.parse(JSON.parse(text)).error;
  return new OpenLegionError(refusal);
}
