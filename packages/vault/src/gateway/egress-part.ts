import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EgressSettings } from '@openlegion/contract/gateway-protocol';
import { refusalBody } from './answer/answer-refusal.ts';
import type { Caller } from './read-caller.ts';
import { refuse } from './refuse.ts';

/** The gateway's other half: the outside world. Until it is configured it refuses. */
export interface EgressPart {
  /** Takes over a connection that was answered 200: the bytes of one proxy client, `head` first. */
  connect(socket: Duplex, caller: Caller, head: Buffer): void;
  /** Answers one request to `/services/…`, or throws its refusal. */
  service(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void>;
  configure(settings: EgressSettings): void;
  /** PEM of the agent's own certificate authority. */
  certificateOf(agent: string): Promise<string>;
  close(): void;
}

/** Stands where no egress is: everything is refused. */
export function createNoEgress(): EgressPart {
  return {
    connect(socket) {
      const body = refusalBody(NONE.refusal);
      socket.on('error', () => {});
      socket.end(
        `HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    },
    service: () => Promise.reject(NONE),
    configure() {},
    certificateOf: () => Promise.reject(NONE),
    close() {},
  };
}

const NONE = refuse('unavailable', 'egress', 'There is no way out here.', 'Nothing can be done about it.');
