/**
 * The way to the outside world. A program's connection comes in as bytes; `proxy` reads requests out of it;
 * CONNECT opens a tunnel (`open-tunnel`), in which the same server reads requests; each request is forwarded
 * (`forward-request`): tokens found, the keeper asked, the place dialled, the credential set, the answer scrubbed.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EgressSettings } from '@openlegion/contract/gateway-protocol';
import { checkPath, malformed } from '../../address/read-place.ts';
import type { ResolveHost } from '../../address/resolve-host.ts';
import { asRefusal } from '../answer/answer-refusal.ts';
import type { Caller } from '../read-caller.ts';
import { createAdmissions, type KeeperCalls } from './admissions.ts';
import { createAgentLimits } from './agent-limits.ts';
import { endAndDrain, refusedRaw } from './answer-client.ts';
import { createAuthorities } from './authorities.ts';
import { createUpstreams } from './client-connection.ts';
import { createDialer } from './dial.ts';
import type { EgressClock } from './egress-clock.ts';
import { forwardRequest } from './forward-request.ts';
import { createProxy } from './proxy.ts';
import { checkFraming } from './request-headers.ts';

export interface EgressParts {
  keeper: KeeperCalls;
  resolve: ResolveHost;
  clock: EgressClock;
  /** For faults of ours; must not print what it is given. */
  failed(error: unknown): void;
}

export type Egress = ReturnType<typeof createEgress>;

const SERVICE = /^\/services\/([a-z0-9_]{1,100})(?=[/?]|$)(.*)$/;

/** Everything is refused until `configure` was called. */
export function createEgress({ keeper, resolve, clock, failed }: EgressParts) {
  const dialer = createDialer({ resolve, clock });
  const limits = createAgentLimits(clock);
  const admissions = createAdmissions(keeper, clock);
  const authorities = createAuthorities({ keeper, now: clock.now });
  const serve = createProxy({ admissions, limits, clock, dialer, authorities, failed });
  const open = new Set<Duplex>();

  return {
    /** Takes over a connection of one proxy client, `head` being what it said already. What goes wrong is answered on it. */
    connect(socket: Duplex, caller: Caller, head: Buffer): void {
      socket.on('error', () => socket.destroy());
      try {
        const release = limits.connection(caller.agent);
        open.add(socket);
        socket.once('close', () => {
          open.delete(socket);
          release();
        });
        if (head.length > 0) socket.unshift(head);
        serve({ caller, socket, tunnel: null, tls: null });
      } catch (error) {
        endAndDrain(socket, refusedRaw(asRefusal(error)));
      }
    },
    /** Answers a request to `/services/{name}/…`, or throws its refusal. */
    async service(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
      const [, service = null, rest = ''] = SERVICE.exec(request.url ?? '') ?? [];
      if (service === null) throw malformed('the path is /services/, a name and the path at the service');
      checkFraming(request);
      const path = checkPath(rest.startsWith('/') ? rest : `/${rest}`);
      const upstreams = createUpstreams(dialer, true);
      const from = { caller, socket: request.socket, tunnel: null, tls: null, secure: true, upstreams };
      const ask = { kind: 'service', place: null, path, service, request, response, upgraded: null } as const;
      try {
        await forwardRequest({ admissions, limits, clock }, from, ask);
      } finally {
        upstreams.destroy();
      }
    },
    /** At any time; what is open goes on as it was made. */
    configure(settings: EgressSettings): void {
      dialer.configure(settings);
      limits.configure(settings);
    },
    /** PEM of the agent's own certificate authority, of a name and key that a restart does not change. */
    certificateOf: authorities.certificateOf,
    close(): void {
      admissions.close();
      for (const socket of open) socket.destroy();
    },
  };
}
