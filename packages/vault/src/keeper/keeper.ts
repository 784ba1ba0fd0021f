import { readFileSync } from 'node:fs';
import { createCalendar } from '../process/calendar.ts';
import { type Database, isDiskFull, openDatabase, type Transaction } from '../process/database.ts';
import { type Audit, createAudit } from './audit.ts';
import { type CredentialStore, createCredentialStore } from './credentials.ts';
import { createEgress } from './egress.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { MIGRATIONS } from './migrations.ts';
import { createModelCalls } from './model-calls.ts';
import { createOperations, type KeeperRole, type Operation } from './operations.ts';
import { createPolicyStore, type PolicyStore } from './policy.ts';
import { unlock, type Vault } from './vault-key.ts';

/** The ids of what one connection has open: reservations not settled, requests to the outside not ended. */
export type Connection = Set<string>;

/** The keeper without its sockets: everything it does, over one database that it alone has open. */
export interface Keeper {
  operations: Record<KeeperRole, ReadonlyMap<string, Operation>>;
  /** What is done in it is committed as one, at its end. */
  together: Transaction;
  /** To be called once for every connection that has ended. */
  abandon(connection: Connection): void;
  /** Signs the end of its own audit chain and closes the database. Connections are abandoned before. */
  close(): void;
}

export interface KeeperOptions {
  directory: string;
  uid: number | null;
  /** Zeroed. */
  keyFile: Buffer;
  now: () => number;
  /** What the kernel calls this start of the machine; null: not known, so that every release is forced to disk. */
  bootId: string | null;
  /** Calls once, `FLUSH_AFTER_MS` later. */
  later: (run: () => void) => void;
  /** Told after each time that everything was forced to disk. */
  forced?: () => void;
}

/** What every operation works with. */
export interface KeeperParts {
  database: Database;
  vault: Vault;
  policy: PolicyStore;
  credentials: CredentialStore;
  ledger: Ledger;
  audit: Audit;
  now: () => number;
  today: () => string;
  /** For what may be found undone after a power failure; brought to disk soon. */
  relaxed: Transaction;
  /** For what is released within marks on disk, or costs no money: durable only where no start can tell a power failure. */
  assured: Transaction;
}

/** How long a committed record may be in the kernel's memory alone. */
export const FLUSH_AFTER_MS = 50;

/**
 * Opens the vault and charges what a crash left reserved, or what a power failure may have taken back. Throws, with
 * what a person can do: another keeper has it (`conflict`), the key is wrong (`unauthenticated`), the files were
 * changed or cannot be read (`internal`).
 */
export function createKeeper(options: KeeperOptions): Keeper {
  const { directory, uid, keyFile, now, bootId, forced } = options;
  const touch = 'UPDATE run SET forced = forced + 1';
  const opening = { directory, uid, migrations: MIGRATIONS, now, touch };
  const database = openDatabase({ ...opening, ...(forced ? { forced } : {}) });
  try {
    const vault = database.durable(() => unlock(database, keyFile));
    const audit = createAudit(database, vault.signingKey, now);
    const ledger = createLedger(database);
    database.durable(() => {
      if (beginRun(database, bootId)) recordPowerLoss(ledger, audit);
      ledger.clearMarks();
      const detail = { uid: uid ?? process.getuid?.() ?? 0 };
      audit.append({ type: 'keeper.started', actor: 'keeper', subject: 'keeper', detail });
      const type = vault.firstStart ? 'vault.created' : 'vault.unlocked';
      audit.append({ type, actor: 'keeper', subject: 'vault' });
    });
    const policy = createPolicyStore(database, vault);
    const flush = createFlush(database, options.later);
    const calendar = createCalendar();
    const today = () => calendar.dayOf(now(), policy.current().timeZone);
    const credentials = createCredentialStore(database, vault, now);
    const shared = { database, vault, policy, credentials, ledger, audit, now, today };
    const assured = bootId === null ? database.durable : flush.relaxed;
    const parts = { ...shared, relaxed: flush.relaxed, assured };
    const calls = createModelCalls(parts);
    const egress = createEgress(parts);
    calls.recover();
    return {
      operations: createOperations(parts, calls, egress),
      together: database.relaxed,
      abandon(connection) {
        calls.abandon(connection);
        egress.abandon(connection);
        connection.clear();
      },
      close() {
        const { seq, hash } = audit.head();
        flush.stop();
        database.durable(() => {
          audit.sign('keeper', seq, hash);
          database.run('UPDATE run SET ended = 1');
        });
        database.compact();
        database.close();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * True when the last run did not end in order and the machine has been started since: what that run had committed but
 * not yet forced to disk may be missing. `bootId` null: all that matters of this run will be durable.
 */
function beginRun(database: Database, bootId: string | null): boolean {
  const last = database.get('SELECT boot_id, ended FROM run');
  database.run('INSERT OR REPLACE INTO run (id, boot_id, ended) VALUES (1, ?, 0)', bootId);
  return last !== undefined && last.ended === 0 && last.boot_id !== null && last.boot_id !== bootId;
}

/** Another one after every start of the machine's kernel; null where the machine has none. */
export function readBootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}

/** The end of the chain may be missing as well: this record is where it goes on. */
function recordPowerLoss(ledger: Ledger, audit: Audit): void {
  audit.append({ type: 'keeper.power_lost', actor: 'keeper', subject: 'keeper' });
  for (const { scope, period, chargedMicroUsd } of ledger.chargeUnknown()) {
    const detail = { period, chargedMicroUsd };
    audit.append({ type: 'budget.charged_to_mark', actor: 'keeper', subject: scope, detail });
  }
}

/** Relaxed transactions, and what brings them to disk, together and soon. A disk that fails ends the process. */
export function createFlush(
  database: Pick<Database, 'relaxed' | 'durable'>,
  later: (run: () => void) => void,
): { relaxed: Transaction; stop(): void } {
  let waiting = false;
  let stopped = false;
  function flush(): void {
    waiting = false;
    try {
      if (!stopped) database.durable(() => {});
    } catch (error) {
      // Calls are refused for a full disk by their own commits; the next that is not brings this along.
      if (!isDiskFull(error)) throw error;
    }
  }
  return {
    relaxed(work) {
      const result = database.relaxed(work);
      if (!waiting) later(flush);
      waiting = true;
      return result;
    },
    stop() {
      stopped = true;
    },
  };
}
