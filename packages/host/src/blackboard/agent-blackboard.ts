import type {
  BlackboardDelete,
  BlackboardGet,
  BlackboardHistory,
  BlackboardList,
  BlackboardPage,
  BlackboardSet,
  BlackboardVersion,
  BlackboardVersions,
  BlackboardWatch,
  BlackboardWritten,
} from '@openlegion/contract/blackboard';
import type { Refusal } from '@openlegion/contract/refusal';
import type { AuditEntry, AuditLog } from '../audit/audit-log.ts';
import type { AgentSettings } from '../config/fleet-config.ts';
import { decidePermission } from '../router/decide-permission.ts';
import { normalKey } from '../router/normal-key.ts';
import type { Routed } from '../router/router.ts';
import type { Transaction } from '../store/database.ts';
import type { Blackboard } from './blackboard.ts';
import { BLACKBOARD_LIMITS } from './blackboard-limits.ts';
import { namespaceOf } from './namespace-of.ts';
import { blackboardRefusals } from './refusals.ts';

/**
 * The blackboard as an agent has it: that of its own team, each key held to `blackboard_read` and
 * `blackboard_write`. A denial is on disk, in the audit log, before it is answered. `traceId` is of the turn the
 * agent is in, or empty.
 */
export interface AgentBlackboard {
  get(agent: AgentSettings, request: BlackboardGet, traceId: string): Promise<Routed<BlackboardVersion>>;
  /** Only keys that the agent may read; the others are as if they were not there. */
  list(agent: AgentSettings, request: BlackboardList): BlackboardPage;
  history(
    agent: AgentSettings,
    request: BlackboardHistory,
    traceId: string,
  ): Promise<Routed<BlackboardVersions>>;
  /** Why the agent may not write this key, recorded; null where it may. */
  refusalOfWrite(agent: AgentSettings, key: string, traceId: string): Promise<Refusal | null>;
  set(agent: AgentSettings, request: BlackboardSet, traceId: string): Promise<Routed<BlackboardWritten>>;
  /** The same in a transaction of the caller's, a denial with it. */
  setWithin(
    transaction: Transaction,
    agent: AgentSettings,
    request: BlackboardSet,
    traceId: string,
  ): Routed<BlackboardWritten>;
  delete(
    agent: AgentSettings,
    request: BlackboardDelete,
    traceId: string,
  ): Promise<Routed<BlackboardWritten>>;
  /**
   * Each change is told only if the agent, as `settings` gives it then, may read its key: a grant that is withdrawn
   * ends it at once. Ends with `signal`, which must abort when nobody reads any more.
   */
  watch(
    settings: () => AgentSettings | null,
    request: BlackboardWatch,
    signal: AbortSignal,
  ): Routed<AsyncGenerator<BlackboardVersion, void, void>>;
}

export function createAgentBlackboard(parts: { blackboard: Blackboard; audit: AuditLog }): AgentBlackboard {
  const { blackboard, audit } = parts;
  const watches = new Map<string, number>();

  /** Null when the agent may; else with what is to be recorded, where it is a matter of a grant. */
  function decide(
    agent: AgentSettings,
    permission: 'blackboard_read' | 'blackboard_write',
    key: string,
    traceId: string,
  ): { refusal: Refusal; record: AuditEntry | null } | null {
    if (normalKey(key) === null) return { refusal: blackboardRefusals.key(key), record: null };
    const decision = decidePermission(agent, permission, key);
    if (decision.allowed) return null;
    const { refusal } = decision;
    const subject = `${namespaceOf(agent)} ${key}`;
    const denied = { type: 'permission.denied', actor: agent.name, decision: 'denied' } as const;
    return { refusal, record: { ...denied, subject, rule: refusal.rule, traceId } };
  }

  async function denial(...asked: Parameters<typeof decide>): Promise<Refusal | null> {
    const denied = decide(...asked);
    if (denied?.record) await audit.record(denied.record);
    return denied?.refusal ?? null;
  }

  const writerOf = (agent: AgentSettings, traceId: string) => ({
    ...{ namespace: namespaceOf(agent), writer: agent.name, traceId, limited: true },
  });

  return {
    async get(agent, { key }, traceId) {
      const refusal = await denial(agent, 'blackboard_read', key, traceId);
      return refusal ? { ok: false, refusal } : blackboard.get(namespaceOf(agent), key);
    },
    list(agent, { prefix, after, limit }) {
      const { entries, next } = blackboard.list({ namespace: namespaceOf(agent), prefix, after, limit });
      return { entries: entries.filter(({ key }) => mayRead(agent, key)), next };
    },
    async history(agent, request, traceId) {
      const refusal = await denial(agent, 'blackboard_read', request.key, traceId);
      return refusal
        ? { ok: false, refusal }
        : blackboard.versions({ namespace: namespaceOf(agent), ...request });
    },
    refusalOfWrite: (agent, key, traceId) => denial(agent, 'blackboard_write', key, traceId),
    async set(agent, request, traceId) {
      const refusal = await denial(agent, 'blackboard_write', request.key, traceId);
      if (refusal) return { ok: false, refusal };
      return writtenOf(await blackboard.set({ ...request, ...writerOf(agent, traceId) }));
    },
    setWithin(transaction, agent, request, traceId) {
      const denied = decide(agent, 'blackboard_write', request.key, traceId);
      if (denied?.record) audit.append(transaction, denied.record);
      if (denied) return { ok: false, refusal: denied.refusal };
      return writtenOf(blackboard.setWithin(transaction, { ...request, ...writerOf(agent, traceId) }));
    },
    async delete(agent, request, traceId) {
      const refusal = await denial(agent, 'blackboard_write', request.key, traceId);
      if (refusal) return { ok: false, refusal };
      return writtenOf(await blackboard.delete({ ...request, ...writerOf(agent, traceId) }));
    },
    watch(settings, { prefix, after }, signal) {
      const agent = settings();
      if (!agent || signal.aborted) return { ok: true, value: nothing() };
      const namespace = namespaceOf(agent);
      const open = watches.get(agent.name) ?? 0;
      if (open >= BLACKBOARD_LIMITS.watchesOfOne)
        return { ok: false, refusal: blackboardRefusals.watches(BLACKBOARD_LIMITS.watchesOfOne) };
      const watching = blackboard.watch({ namespace, prefix, after, signal });
      if (!watching.ok) return watching;
      watches.set(agent.name, open + 1);
      signal.addEventListener('abort', () => {
        const left = (watches.get(agent.name) ?? 1) - 1;
        if (left === 0) watches.delete(agent.name);
        else watches.set(agent.name, left);
      });
      return { ok: true, value: readable(watching.value, settings, namespace) };
    },
  };
}

async function* readable(
  changes: AsyncGenerator<BlackboardVersion, void, void>,
  settings: () => AgentSettings | null,
  namespace: string,
): AsyncGenerator<BlackboardVersion, void, void> {
  for await (const change of changes) {
    const agent = settings();
    // Moved to another team, or gone: this watch looks over a wall now.
    if (!agent || namespaceOf(agent) !== namespace) return;
    if (mayRead(agent, change.key)) yield change;
  }
}

async function* nothing(): AsyncGenerator<BlackboardVersion, void, void> {}

function mayRead(agent: AgentSettings, key: string): boolean {
  return decidePermission(agent, 'blackboard_read', key).allowed;
}

function writtenOf(written: Routed<BlackboardVersion>): Routed<BlackboardWritten> {
  if (!written.ok) return written;
  return { ok: true, value: { key: written.value.key, version: written.value.version } };
}
