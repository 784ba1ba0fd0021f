import { randomUUID } from 'node:crypto';
import type { EgressAnswer, EgressDone, EgressRequest } from '@openlegion/contract/keeper-protocol';
import { tooManyOpen } from '../process/keeper-refusals.ts';
import type { Connection } from '../process/role-socket.ts';
import { VaultError } from '../process/vault-error.ts';
import { decideEgress, type EgressDecision } from './decide-egress.ts';
import type { KeeperParts } from './keeper.ts';

/** More than this at once is no gateway of ours. */
const MOST_OPEN = 20_000;

/** The life of one request to the outside: decided and its credential released, asked for again, ended. */
export function createEgress({ database, policy, credentials, audit, assured }: KeeperParts) {
  const open = new Map<string, { request: EgressRequest; place: string; version: string }>();

  function decide(request: EgressRequest): EgressDecision {
    const agent = policy.agent(request.agent);
    const granted = credentials.grantedTo(agent);
    const { opaqueHosts } = policy.current();
    const { placeholderOf } = credentials;
    return decideEgress(request, { agent, granted, opaqueHosts, placeholderOf });
  }

  /** What is recorded of a request: not its query, which is where programs put what they should not. */
  function seen({ kind, method, path }: EgressRequest): Record<string, string> {
    return { kind, method, path: path.split('?')[0]?.slice(0, 1000) ?? '' };
  }

  function admit(request: EgressRequest, connection: Connection): EgressAnswer {
    const { rule, mode, host, port, use } = decide(request);
    if (open.size >= MOST_OPEN) throw tooManyOpen();
    const { agent: actor, traceId, tokens } = request;
    const [requestId, place] = [randomUUID(), `${host}:${port}`];
    const secret = assured(() => {
      const released = use ? credentials.reveal(use.credential.name) : '';
      const how = tokens.length > 0 ? 'swapped' : 'set';
      const used = use ? { credential: use.credential.name, how } : {};
      const detail = { request: requestId, mode, ...seen(request), ...used };
      const type = use ? 'credential.injected' : 'egress.allowed';
      audit.append({ type, actor, subject: place, decision: 'allowed', rule, traceId, detail });
      return released;
    });
    open.set(requestId, { request, place, version: versionOf(use) });
    connection.add(requestId);
    if (!use) return { requestId, mode, host, port, credential: null };
    const { header, scheme, user } = use.binding;
    const credential = { name: use.credential.short, header, scheme, user, secret };
    return { requestId, mode, host, port, credential };
  }

  function end(requestId: string, facts: Readonly<Record<string, string | number>>): void {
    const ended = open.get(requestId);
    if (!ended) return;
    open.delete(requestId);
    const { agent: actor, traceId } = ended.request;
    const detail = { request: requestId, ...facts };
    audit.append({ type: 'egress.ended', actor, subject: ended.place, traceId, detail });
  }

  function stillHolds(admitted: { request: EgressRequest; version: string }): boolean {
    try {
      return versionOf(decide(admitted.request).use) === admitted.version;
    } catch (error) {
      if (error instanceof VaultError) return false;
      throw error;
    }
  }

  return {
    /** Throws the refusal, which is recorded too; a secret is released after the record of its use is committed. */
    egress(request: EgressRequest, connection: Connection): EgressAnswer {
      const { agent: actor, traceId, service, host, port } = request;
      const subject = service === null ? `${host}:${port}` : `service ${service}`;
      const refusal = { type: 'egress.refused', actor, subject, traceId, detail: seen(request) };
      return audit.orRefused(() => admit(request, connection), policy.knows(actor), refusal);
    },
    /** Does nothing for what is not open on this connection. */
    egressDone({ requestId, ...facts }: EgressDone, connection: Connection): Record<never, never> {
      if (connection.delete(requestId)) database.relaxed(() => end(requestId, facts));
      return {};
    },
    /** Revoked is also what would now go with another credential, or another version of it, and what is not known. */
    egressRecheck({ requestIds }: { requestIds: string[] }, connection: Connection): { revoked: string[] } {
      const revoked = requestIds.filter((id) => {
        const admitted = connection.has(id) ? open.get(id) : undefined;
        return !admitted || !stillHolds(admitted);
      });
      return { revoked };
    },
    /** What a connection that has ended left open. */
    abandon(connection: Connection): void {
      const left = [...connection].filter((id) => open.has(id));
      if (left.length === 0) return;
      database.relaxed(() => {
        for (const id of left) end(id, { httpStatus: 0, why: 'its connection ended' });
      });
    },
  };
}

function versionOf(use: EgressDecision['use']): string {
  return use ? `${use.credential.name} ${use.credential.version}` : '';
}
