import type {
  BlackboardPage,
  BlackboardUndo,
  BlackboardVersion,
  BlackboardVersions,
} from '@openlegion/contract/blackboard';
import type { JsonValue } from '@openlegion/contract/json-value';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { normalKey } from '../router/normal-key.ts';
import type { Routed } from '../router/router.ts';
import type { Database, Transaction } from '../store/database.ts';
import { BLACKBOARD_LIMITS, type BlackboardLimits } from './blackboard-limits.ts';
import { expiredHeads, forgetOld } from './collect-garbage.ts';
import {
  forgottenChange,
  lastChange,
  listChanges,
  listEntries,
  listVersions,
  readEntry,
} from './read-entries.ts';
import { blackboardRefusals } from './refusals.ts';
import { versionOf } from './version-row.ts';
import { createWatchHub } from './watch-entries.ts';
import { type Change, isReadable, writeVersion } from './write-version.ts';

/** Who writes, and in the course of what: stored with every version. */
export interface Writer {
  writer: string;
  traceId: string;
  /** Whether the limit of bytes holds: for agents. */
  limited: boolean;
}

export interface Write extends Writer {
  namespace: string;
  key: string;
  value: JsonValue;
  ifVersion?: number | undefined;
  ttlMs?: number | undefined;
}

export type Deletion = Omit<Write, 'value' | 'ttlMs'>;

/**
 * Shared state, by namespace. Nothing here asks for a permission: `createAgentBlackboard` does, and the control API
 * is the operator's. A write is on disk when its promise resolves. What has expired is never given out.
 */
export interface Blackboard {
  get(namespace: string, key: string): Routed<BlackboardVersion>;
  list(options: {
    namespace: string;
    prefix: string;
    after?: string | undefined;
    limit: number;
  }): BlackboardPage;
  versions(options: {
    namespace: string;
    key: string;
    before?: number | undefined;
    limit: number;
  }): Routed<BlackboardVersions>;
  set(write: Write): Promise<Routed<BlackboardVersion>>;
  /** The same in a transaction of the caller's. */
  setWithin(transaction: Transaction, write: Write): Routed<BlackboardVersion>;
  delete(deletion: Deletion): Promise<Routed<BlackboardVersion>>;
  /** By a person, recorded in the audit log together with the version. */
  change(change: Write | Deletion): Promise<Routed<BlackboardVersion>>;
  /** Of an operator: recorded in the audit log. A version that has expired does not come back. */
  undo(undo: BlackboardUndo & { namespace: string; operator: string }): Promise<Routed<BlackboardVersion>>;
  /** Starts after `after`, else now. Refused where deletions after `after` are no longer known. */
  watch(options: {
    namespace: string;
    prefix: string;
    after?: number | undefined;
    signal: AbortSignal;
  }): Routed<AsyncGenerator<BlackboardVersion, void, void>>;
  /** Writes expiries and forgets what is old, in bounded steps. Resolves with how many rows it changed. */
  collect(): Promise<number>;
}

export function createBlackboard(parts: {
  database: Database;
  audit: AuditLog;
  clock: Clock;
  limits?: BlackboardLimits;
}): Blackboard {
  const { database, audit, clock, limits = BLACKBOARD_LIMITS } = parts;
  const hub = createWatchHub();

  function apply(transaction: Transaction, change: Change): Routed<BlackboardVersion> {
    return writeVersion(transaction, { limits, now: clock.now() }, change);
  }

  async function write(
    namespace: string,
    work: (transaction: Transaction) => Routed<BlackboardVersion>,
  ): Promise<Routed<BlackboardVersion>> {
    const written = await database.write(work);
    if (written.ok) hub.announce(namespace, written.value.key);
    return written;
  }

  function setChange({ ttlMs, ...change }: Write): Change {
    return { ...change, change: 'set', expiresAt: ttlMs === undefined ? undefined : clock.now() + ttlMs };
  }

  function deletionOf(deletion: Deletion): Change {
    return { ...deletion, change: 'deleted', value: null };
  }

  function undoWithin(
    transaction: Transaction,
    { namespace, key, toVersion, operator }: BlackboardUndo & { namespace: string; operator: string },
  ): Routed<BlackboardVersion> {
    const name = normalKey(key) ?? '';
    if (name.startsWith('history/')) return { ok: false, refusal: blackboardRefusals.appendOnly(name) };
    const head = transaction.get(
      'SELECT version FROM blackboard_head WHERE namespace = ? AND key = ?',
      ...[namespace, name],
    );
    const target = toVersion ?? (head ? Number(head.version) - 1 : null);
    const row = transaction.get(
      `SELECT * FROM blackboard_version WHERE namespace = ? AND key = ? AND (version = ? OR ? IS NULL)
       ORDER BY version DESC LIMIT 1`,
      ...[namespace, name, target, target],
    );
    // Before the first version there was nothing, and so there is again.
    const wasAbsent = target === 0 || (row !== undefined && row.change !== 'set');
    const now = clock.now();
    if (!wasAbsent && !(row && isReadable(row, now)))
      return { ok: false, refusal: blackboardRefusals.noVersion(key) };
    const undone = apply(transaction, {
      ...{ namespace, key, writer: operator, traceId: '', limited: false },
      change: wasAbsent ? 'deleted' : 'set',
      value: wasAbsent || !row ? null : versionOf(row, now).value,
      expiresAt: wasAbsent || row?.expires_at == null ? undefined : Number(row.expires_at),
    });
    if (undone.ok) {
      audit.append(transaction, {
        type: 'blackboard.undone',
        actor: operator,
        subject: `${namespace} ${undone.value.key}`,
        decision: 'allowed',
        rule: 'operator',
        detail: { version: undone.value.version, restored: wasAbsent ? 0 : Number(row?.version ?? 0) },
      });
    }
    return undone;
  }

  return {
    get(namespace, key) {
      const name = normalKey(key);
      if (name === null) return { ok: false, refusal: blackboardRefusals.key(key) };
      const entry = readEntry(database, namespace, name, clock.now());
      return entry ? { ok: true, value: entry } : { ok: false, refusal: blackboardRefusals.noEntry(key) };
    },
    list({ namespace, prefix, after = '', limit }) {
      return listEntries(database, { namespace, prefix: plain(prefix), after, limit }, clock.now());
    },
    versions({ namespace, key, before = Number.MAX_SAFE_INTEGER, limit }) {
      const name = normalKey(key);
      if (name === null) return { ok: false, refusal: blackboardRefusals.key(key) };
      const page = { namespace, key: name, before, limit };
      return { ok: true, value: listVersions(database, page, clock.now(), limits.pageBytes) };
    },
    set: (change) => write(change.namespace, (transaction) => apply(transaction, setChange(change))),
    setWithin(transaction, change) {
      const written = apply(transaction, setChange(change));
      // Who waits looks into the database: woken after the commit, it loses nothing where there was none.
      if (written.ok) setImmediate(() => hub.announce(change.namespace, written.value.key));
      return written;
    },
    delete: (deletion) =>
      write(deletion.namespace, (transaction) => apply(transaction, deletionOf(deletion))),
    change: (change) =>
      write(change.namespace, (transaction) => {
        const isSet = 'value' in change;
        const written = apply(transaction, isSet ? setChange(change) : deletionOf(change));
        if (!written.ok) return written;
        const { key, version } = written.value;
        audit.append(transaction, {
          ...{ type: isSet ? 'blackboard.set' : 'blackboard.deleted', actor: change.writer },
          ...{ subject: `${change.namespace} ${key}`, decision: 'allowed', rule: 'operator' },
          detail: { version },
        });
        return written;
      }),
    undo: (undo) => write(undo.namespace, (transaction) => undoWithin(transaction, undo)),
    watch({ namespace, prefix: wanted, after, signal }) {
      if (after !== undefined && after < forgottenChange(database, namespace))
        return { ok: false, refusal: blackboardRefusals.watchTooOld() };
      const prefix = plain(wanted);
      const watching = hub.watch({
        ...{ namespace, prefix, signal, after: after ?? lastChange(database) },
        read(cursor) {
          const last = lastChange(database);
          const upTo = Math.min(last, cursor + WATCH_WINDOW);
          const from = { namespace, prefix, after: cursor, upTo };
          return { upTo, more: upTo < last, ...listChanges(database, from, clock.now(), limits.pageBytes) };
        },
      });
      return { ok: true, value: watching };
    },
    async collect() {
      const { changed, expired } = await database.write((transaction) => {
        const heads = expiredHeads(transaction, clock.now(), limits.collectRows);
        for (const { namespace, key } of heads)
          apply(transaction, { namespace, key, change: 'expired', value: null, ...HOST });
        return { expired: heads, changed: heads.length + forgetOld(transaction, clock.now(), limits) };
      });
      for (const { namespace, key } of expired) hub.announce(namespace, key);
      return changed;
    },
  };
}

/** Changes looked at at once for those that a watch is about: bounds how long the event loop is held. */
const WATCH_WINDOW = 5_000;
const HOST: Writer = { writer: 'host', traceId: '', limited: false };

/** A prefix need not be a whole key, so only its spelling is brought in line: what no key starts with finds nothing. */
function plain(prefix: string): string {
  return prefix.toWellFormed().normalize('NFC');
}
