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
export function createEgress(parts: KeeperParts) {
  const { database, policy, credentials, audit } = parts;
  const open = new Map<string, { request: EgressRequest; place: string; credential: string }>();

  function decide(request: EgressRequest): EgressDecision {
    const agent = policy.agent(request.agent);
    return decideEgress(request, {
      ...{ agent, granted: credentials.grantedTo(agent), opaqueHosts: policy.current().opaqueHosts },
      placeholderOf: (credential) => credentials.placeholderOf(agent.name, credential),
    });
  }

  function record({ agent, kind, method, path, traceId }: EgressRequest, place: string, rule: string) {
    const entry = { actor: agent, subject: place, decision: 'allowed' as const, rule, traceId };
    // Without the query, which is where programs put what they should not.
    return { ...entry, detail: { kind, method, path: path.split('?')[0]?.slice(0, 1000) ?? '' } };
  }

  function admit(request: EgressRequest, connection: Connection): EgressAnswer {
    const { rule, mode, host, port, use } = decide(request);
    if (open.size >= MOST_OPEN) throw tooManyOpen();
    const requestId = randomUUID();
    const place = `${host}:${port}`;
    const { detail, ...entry } = record(request, place, rule);
    const swapped = request.tokens.length > 0 ? 'swapped' : 'set';
    const secret = parts.assured(() => {
      const released = use ? credentials.reveal(use.credential.name) : '';
      const credential = use ? { credential: use.credential.name, how: swapped } : {};
      const type = use ? 'credential.injected' : 'egress.allowed';
      audit.append({ type, ...entry, detail: { request: requestId, mode, ...detail, ...credential } });
      return released;
    });
    open.set(requestId, { request, place, credential: versionOf(use) });
    connection.add(requestId);
    const name = use?.credential.short ?? '';
    const credential = use && {
      ...{ name, secret, header: use.binding.header, scheme: use.binding.scheme, user: use.binding.user },
    };
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

  return {
    /** Throws the refusal, which is recorded too; a secret is released after the record of its use is committed. */
    egress(request: EgressRequest, connection: Connection): EgressAnswer {
      try {
        return admit(request, connection);
      } catch (error) {
        if (!(error instanceof VaultError)) throw error;
        const { rule, agent, service, host, port } = { ...request, rule: error.rule };
        audit.refused(policy.knows(agent) ? `${agent} ${rule}` : 'unknown', {
          ...record(request, service === null ? `${host}:${port}` : `service ${service}`, rule),
          type: 'egress.refused',
        });
        throw error;
      }
    },
    /** Does nothing for what is not open on this connection. */
    egressDone({ requestId, ...facts }: EgressDone, connection: Connection): Record<never, never> {
      if (connection.delete(requestId)) database.relaxed(() => end(requestId, facts));
      return {};
    },
    /** Revoked is also what would now go with another credential, or another version of it, and what is not known. */
    egressRecheck({ requestIds }: { requestIds: string[] }, connection: Connection): { revoked: string[] } {
      const holds = (id: string): boolean => {
        const admitted = connection.has(id) ? open.get(id) : undefined;
        try {
          return admitted !== undefined && versionOf(decide(admitted.request).use) === admitted.credential;
        } catch (error) {
          if (error instanceof VaultError) return false;
          throw error;
        }
      };
      return { revoked: requestIds.filter((id) => !holds(id)) };
    },
    /** What a connection that has ended left open. */
    abandon(connection: Connection): void {
      const left = [...connection].filter((id) => open.has(id));
      if (left.length > 0)
        database.relaxed(() => {
          for (const id of left) end(id, { httpStatus: 0, why: 'its connection ended' });
        });
    },
  };
}

function versionOf(use: EgressDecision['use']): string {
  return use ? `${use.credential.name} ${use.credential.version}` : '';
}
