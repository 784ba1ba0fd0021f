import { type Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { GATEWAY_HEADERS } from '@openlegion/contract/gateway-protocol';
import { tooLarge } from '../mesh/read-json-body.ts';
import { gatewayAway } from './gateway-away.ts';

/** A call may run as long as its provider streams; this long without a byte it is given up. */
const CALL_IDLE_MS = 10 * 60_000;
const ONE_WRITE_BYTES = 64 * 1024;

/** Who asks, as the host knows it. */
export interface Caller {
  agent: string;
  traceId: string;
}

export interface GatewayCall extends Caller {
  method: string;
  path: string;
  /** Without any that says who asks. */
  headers: Record<string, string | string[]>;
  /** One that was reset, and so ends before its end, has its code. When it closes, the call is ended. */
  body: Readable & { readonly rstCode?: number | undefined };
  maxBodyBytes: number;
}

export function callGateway(
  to: { socketPath: string; agent: Agent },
  { method, path, agent, traceId, headers, body, maxBodyBytes }: GatewayCall,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = httpRequest({
    ...to,
    method,
    path,
    timeout: CALL_IDLE_MS,
    headers: {
      ...headers,
      host: 'gateway',
      [GATEWAY_HEADERS.agent]: agent,
      [GATEWAY_HEADERS.trace]: traceId,
    },
  });
  sent.on('response', resolve);
  sent.on('timeout', () => sent.destroy(gatewayAway()));
  sent.on('error', (cause) => reject(gatewayAway(cause)));
  const leave = () => sent.destroy();
  body.once('close', leave);
  sent.on('close', () => body.off('close', leave));
  sendBody(sent, body, maxBodyBytes, (error) => {
    reject(error);
    sent.destroy();
  });
  return promise;
}

/** At the gateway's pace, one piece behind, so that a body of one piece goes out in one write with its headers. */
function sendBody(
  sent: ClientRequest,
  body: GatewayCall['body'],
  maxBytes: number,
  fail: (error: unknown) => void,
): void {
  let bytes = 0;
  let last: Buffer | undefined;
  const onData = (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > maxBytes) {
      body.off('data', onData);
      fail(tooLarge(maxBytes));
      return;
    }
    // Node would end the connection to mark the end of a body that it does not expect (GET, DELETE).
    if (!last && !sent.useChunkedEncodingByDefault) sent.setHeader('transfer-encoding', 'chunked');
    if (last && !sent.write(last)) body.pause();
    last = piece;
  };
  body.on('data', onData);
  sent.on('drain', () => body.resume());
  const onEnd = () => {
    // A reset ends the stream as well; what came of the body is not the body.
    if (body.rstCode) sent.destroy();
    else if (!sent.destroyed) endWith(sent, last);
  };
  if (body.destroyed) sent.destroy();
  // HTTP/2 ends an empty body before anyone has asked for it.
  if (body.readableEnded) onEnd();
  else body.on('end', onEnd);
  body.on('error', fail);
}

/** As text of the same bytes Node sends it in one write with the headers, which costs less than the two together. */
function endWith(sent: ClientRequest, last: Buffer | undefined): void {
  if (last && last.length <= ONE_WRITE_BYTES && !sent.headersSent)
    sent.end(last.toString('latin1'), 'latin1');
  else sent.end(last);
}
