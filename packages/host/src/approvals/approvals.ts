import type { ApprovalEvent, ApprovalStatus } from '@openlegion/contract/control-approvals';
import type { ControlCaller } from '@openlegion/contract/control-caller';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Refusal } from '@openlegion/contract/refusal';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { EventLog } from '../delivery/event-log.ts';
import type { Routed } from '../router/router.ts';
import type { Database, Transaction } from '../store/database.ts';
import { integerOf } from '../store/row.ts';
import { canonicalJson } from '../workflow/definition-hash.ts';
import { answerProblem } from './answer-problem.ts';
import { type Approval, approvalOf } from './approval-row.ts';
import { insertQuestion, type Question, questionProblem } from './insert-question.ts';
import { approvalRefusals } from './refusals.ts';

/** A timer of Node's holds no more. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/**
 * Questions to people, and their answers. A question is bound to SHA-256 of exactly what will run; it has one answer,
 * by a named approver who was shown that; it expires; and what was approved is let through once. What a promise
 * resolved with is on disk, and in the audit log with it. Without an approver the answer is no. A row that is pending
 * and has an answer is one that is being carried out.
 */
export interface Approvals {
  /** Stores the question, or joins the one asked under its key. Ids are made here. */
  ask(question: Question): Promise<Routed<Approval>>;
  /** Resolves when it is no longer pending, also in another host than the one that asked; rejects with `signal`. */
  settled(id: string, signal?: AbortSignal): Promise<Approval>;
  answer(
    id: string,
    answer: { approve: boolean; hash: string; note: string },
    caller: ControlCaller,
  ): Promise<Routed<Approval>>;
  /** Takes up what a host that was killed had been told to carry out, before whoever asked is told. */
  resume(): Promise<void>;
  /** What asked is over: nothing is left to answer. */
  withdraw(where: { key: string } | { messageId: string }): Promise<void>;
  /**
   * Spends an approval of this message or run that `covers` this on `useKey`: true once, and for the same `useKey` again, since that repeats
   * what was let through.
   */
  use(spent: {
    asker: string;
    messageId: string;
    covers: (approval: Approval) => boolean;
    useKey: string;
  }): Promise<boolean>;
  find(id: string): Approval | null;
  findByKey(key: string): Approval | null;
  /** The newest question of this asker about this. */
  last(about: Pick<Approval, 'kind' | 'asker' | 'what'>): Approval | null;
  /** Newest first. */
  list(status: ApprovalStatus | null, limit: number): Approval[];
  start(): void;
  stop(): void;
}

export function createApprovals(parts: {
  database: Database;
  clock: Clock;
  audit: AuditLog;
  events: EventLog;
  /** Names of tokens, as configured now. */
  approvers: () => readonly string[];
  newId: () => string;
  warn: (message: string) => void;
  /**
   * Makes so what the approval of a host allows: again where it was killed in between. Throws where it cannot; the
   * question is then open again.
   */
  carryOut: (approval: Approval, by: string) => Promise<void>;
}): Approvals {
  const { database, clock, audit, events, approvers, warn } = parts;
  const waiting = new Map<string, Set<(approval: Approval) => void>>();
  let cancelTimer: (() => void) | undefined;
  let stopped = true;

  const one = (sql: string, ...values: (string | number)[]): Approval | null => {
    const row = database.get(`SELECT * FROM approval WHERE ${sql}`, ...values);
    return row ? approvalOf(row) : null;
  };
  const find = (id: string) => one('id = ?', id);

  /** Everything that becomes of a pending question goes through here, once. */
  function settle(
    transaction: Transaction,
    approval: Approval,
    end: { status: Exclude<ApprovalStatus, 'pending'>; by: string | null; note: string },
  ): () => void {
    const at = clock.now();
    transaction.run(
      'UPDATE approval SET status = ?, answered_by = ?, note = ?, answered_at = ? WHERE id = ?',
      ...[end.status, end.by, end.note, at, approval.id],
    );
    const after = { ...approval, ...end, answeredAt: at };
    audit.append(transaction, {
      type: `approval.${end.status}`,
      actor: end.by ?? 'host',
      subject: approval.id,
      decision: end.status === 'approved' ? 'allowed' : end.status === 'denied' ? 'denied' : 'none',
      rule: end.by === null ? '' : 'approvals.approvers',
      traceId: approval.traceId,
      detail: { kind: approval.kind, asker: approval.asker, hash: approval.hash },
    });
    const event = eventOf(transaction, after, {
      type: 'approval_answered',
      id: after.id,
      status: after.status,
      by: after.by,
    });
    return () => {
      events.announce(event);
      for (const resolve of waiting.get(after.id) ?? []) resolve(after);
      waiting.delete(after.id);
    };
  }

  const eventOf = (transaction: Transaction, approval: Approval, event: ApprovalEvent) =>
    events.store(transaction, {
      agent: approval.kind === 'step' ? '' : approval.asker,
      messageId: approval.messageId,
      traceId: approval.traceId,
      event,
    });

  async function settleAll(
    where: string,
    values: (string | number)[],
    status: 'expired' | 'withdrawn',
  ): Promise<void> {
    const announce = await database.write((transaction) =>
      transaction
        .all(
          `SELECT * FROM approval WHERE status = 'pending' AND answered_by IS NULL AND ${where}`,
          ...values,
        )
        .map((row) => settle(transaction, approvalOf(row), { status, by: null, note: '' })),
    );
    for (const tell of announce) tell();
  }

  function schedule(): void {
    cancelTimer?.();
    if (stopped) return;
    const next = database.get(
      "SELECT MIN(expires_at) AS at FROM approval WHERE status = 'pending' AND answered_by IS NULL",
    );
    if (next?.at == null) return;
    const waitMs = Math.min(Math.max(integerOf(next, 'at') - clock.now(), 0), LONGEST_WAIT_MS);
    cancelTimer = clock.after(waitMs, () => {
      settleAll('expires_at <= ?', [clock.now()], 'expired')
        .catch((error) => warn(`approvals: ${String(error)}`))
        .finally(schedule);
    });
  }

  /** Who said yes is on disk before anything is done about it, and told to whoever asked after it is done. */
  async function carryOut(approval: Approval): Promise<void> {
    const { id, by, note } = approval;
    try {
      await parts.carryOut(approval, by ?? '');
    } catch (error) {
      await database.write((transaction) =>
        transaction.run(
          "UPDATE approval SET answered_by = NULL, note = '' WHERE id = ? AND status = 'pending'",
          id,
        ),
      );
      throw error;
    }
    const tell = await database.write((transaction) => {
      const pending = transaction.get("SELECT 1 FROM approval WHERE id = ? AND status = 'pending'", id);
      return pending ? settle(transaction, approval, { status: 'approved', by, note }) : () => {};
    });
    tell();
  }

  async function refuse(id: string, caller: ControlCaller, refusal: Refusal): Promise<Routed<Approval>> {
    await audit.record({
      type: 'approval.answer_refused',
      actor: caller.name,
      subject: id.slice(0, 100),
      decision: 'denied',
      rule: refusal.rule,
    });
    return { ok: false, refusal };
  }

  return {
    async ask(question) {
      if (approvers().length === 0) return { ok: false, refusal: approvalRefusals.noApprover() };
      const subject = canonicalJson(question.subject);
      const done = await database.write((transaction): Routed<{ approval: Approval; tell: () => void }> => {
        const earlier = transaction.get('SELECT * FROM approval WHERE key = ?', question.key);
        const refusal = questionProblem(transaction, question, subject, earlier);
        if (refusal) return { ok: false, refusal };
        if (earlier) return { ok: true, value: { approval: approvalOf(earlier), tell: () => {} } };
        const approval = insertQuestion(
          transaction,
          { ...question, id: parts.newId(), subject },
          clock.now(),
        );
        audit.append(transaction, {
          type: 'approval.asked',
          actor: approval.asker,
          subject: approval.id,
          traceId: approval.traceId,
          detail: { kind: approval.kind, what: approval.what, hash: approval.hash },
        });
        const event = eventOf(transaction, approval, {
          ...{ type: 'approval_asked', id: approval.id, kind: approval.kind, what: approval.what },
          ...{ hash: approval.hash, expiresAt: new Date(approval.expiresAt).toISOString() },
        });
        return { ok: true, value: { approval, tell: () => events.announce(event) } };
      });
      if (!done.ok) return done;
      done.value.tell();
      schedule();
      return { ok: true, value: done.value.approval };
    },

    settled(id, signal) {
      const now = find(id);
      if (now && now.status !== 'pending') return Promise.resolve(now);
      const { promise, resolve, reject } = Promise.withResolvers<Approval>();
      const those = waiting.get(id) ?? new Set();
      waiting.set(id, those.add(resolve));
      const onAbort = () => {
        those.delete(resolve);
        reject(signal?.reason);
      };
      if (signal?.aborted) onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      return promise.finally(() => signal?.removeEventListener('abort', onAbort));
    },

    async answer(id, { approve, hash, note }, caller) {
      const answer = { approve, hash, caller, approvers: approvers() };
      const done = await database.write((transaction): Routed<() => unknown> => {
        const row = transaction.get('SELECT * FROM approval WHERE id = ?', id);
        const approval = row ? approvalOf(row) : null;
        const problem = answerProblem(approval, { ...answer, now: clock.now() });
        if (problem !== null || !approval)
          return { ok: false, refusal: problem ?? approvalRefusals.unknown() };
        const end = { status: approve ? 'approved' : 'denied', by: caller.name, note } as const;
        if (!approve || approval.kind !== 'egress')
          return { ok: true, value: settle(transaction, approval, end) };
        const decided = approval.by === null ? { ...approval, ...end, status: approval.status } : approval;
        transaction.run(
          'UPDATE approval SET answered_by = ?, note = ? WHERE id = ?',
          ...[decided.by, decided.note, id],
        );
        return { ok: true, value: () => carryOut(decided) };
      });
      if (!done.ok) return refuse(id, caller, done.refusal);
      try {
        await done.value();
      } catch (error) {
        if (!(error instanceof OpenLegionError)) throw error;
        return await refuse(id, caller, error.refusal);
      } finally {
        schedule();
      }
      const after = find(id);
      return after ? { ok: true, value: after } : { ok: false, refusal: approvalRefusals.unknown() };
    },

    async resume() {
      const begun = database
        .all("SELECT * FROM approval WHERE status = 'pending' AND answered_by IS NOT NULL")
        .map(approvalOf);
      for (const approval of begun)
        await carryOut(approval).catch((error) => warn(`approval ${approval.id}: ${String(error)}`));
      schedule();
    },

    withdraw: (where) =>
      'key' in where
        ? settleAll('key = ?', [where.key], 'withdrawn')
        : settleAll('message_id = ?', [where.messageId], 'withdrawn'),

    use({ asker, messageId, covers, useKey }) {
      return database.write((transaction) => {
        const found = transaction
          .all(
            `SELECT * FROM approval WHERE asker = ? AND message_id = ? AND status = 'approved'
             AND (use_key IS NULL OR use_key = ?) ORDER BY use_key IS NULL, ordinal`,
            ...[asker, messageId, useKey],
          )
          .map(approvalOf)
          .find(covers);
        if (!found || found.usedAt !== null) return found !== undefined;
        const { id, traceId } = found;
        transaction.run('UPDATE approval SET used_at = ?, use_key = ? WHERE id = ?', clock.now(), useKey, id);
        audit.append(transaction, { type: 'approval.used', actor: asker, subject: id, traceId });
        return true;
      });
    },

    find,
    findByKey: (key) => one('key = ?', key),
    last: ({ kind, asker, what }) =>
      one('asker = ? AND kind = ? AND what = ? ORDER BY ordinal DESC LIMIT 1', asker, kind, what),
    list: (status, limit) =>
      database
        .all(
          `SELECT * FROM approval WHERE ?1 IS NULL OR status = ?1 ORDER BY ordinal DESC LIMIT ?2`,
          ...[status, limit],
        )
        .map(approvalOf),
    start() {
      stopped = false;
      schedule();
    },
    stop() {
      stopped = true;
      cancelTimer?.();
    },
  };
}
