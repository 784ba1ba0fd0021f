import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { createCalendar } from '../process/calendar.ts';
import { type AuditChain, createAuditChain, FIRST_PREVIOUS_HASH, fact } from './audit-chain.ts';
import { createCanaries } from './canaries.ts';
import { createCheckpoints } from './checkpoints.ts';
import { createCredentialStore } from './credential-store.ts';
import { createFlush } from './flush.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { MIGRATIONS } from './migrations.ts';
import { type Connection, createModelCalls } from './model-calls.ts';
import { openDatabase } from './open-database.ts';
import { createOperations, type KeeperRole, type Operation } from './operations.ts';
import { createPolicyStore } from './policy-store.ts';
import { createRefusalLimit } from './refusal-limit.ts';
import { createRunMark } from './run-mark.ts';
import { createSealedTable } from './sealed-table.ts';
import type { Transaction, Transactions } from './transaction.ts';
import { unlock } from './unlock.ts';

/** The keeper without its sockets: everything it does, over one database that it alone has open. */
export interface Keeper {
  operations: Record<KeeperRole, ReadonlyMap<string, Operation>>;
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
  /** What the kernel calls this start of the machine; null: not known, so that every commit is forced to disk. */
  bootId: string | null;
  transactions: (database: DatabaseSync) => Transactions;
  /** Calls once, `FLUSH_AFTER_MS` later. */
  later: (run: () => void) => void;
}

/**
 * Opens the vault and charges what a crash left reserved, or what a power failure may have taken back. Throws, with what a person can do: another keeper has it
 * (`conflict`), the key is wrong (`unauthenticated`), the files were changed or cannot be read (`internal`).
 */
export function createKeeper(options: KeeperOptions): Keeper {
  const { directory, uid, keyFile, now, bootId } = options;
  const database = openDatabase({ directory, uid, migrations: MIGRATIONS, now });
  try {
    const { durable: transaction, relaxed: unflushed } = options.transactions(database);
    const run = createRunMark(database, bootId);
    const flush = createFlush(() => transaction(run.touch), options.later);
    const relaxed: Transaction = (work) => {
      const result = unflushed(work);
      flush.soon();
      return result;
    };
    const table = createSealedTable(database);
    const { seal, signingKey, firstStart } = transaction(() => unlock(table, keyFile));
    const checkpoints = createCheckpoints(database, signingKey, now);
    const audit = createAuditChain(database, now, (seq, hash) => checkpoints.sign('keeper', seq, hash));
    const signed = checkpoints.newest('keeper') ?? { seq: 0, hash: FIRST_PREVIOUS_HASH };
    audit.verifyFrom(signed.seq, signed.hash);
    const ledger = createLedger(database);
    transaction(() => {
      if (run.begin()) recordPowerLoss(ledger, audit);
      ledger.clearMarks();
      audit.append(fact('keeper.started', 'keeper', 'keeper', { uid: uid ?? process.getuid?.() ?? 0 }));
      audit.append(fact(firstStart ? 'vault.created' : 'vault.unlocked', 'keeper', 'vault', {}));
    });
    const policy = createPolicyStore(table, seal, transaction);
    const calendar = createCalendar();
    const today = () => calendar.dayOf(now(), policy.current().timeZone);
    const credentials = createCredentialStore(database, table, seal, now);
    const canaries = createCanaries(credentials, audit, transaction);
    const refusals = createRefusalLimit(now);
    const shared = { transaction, policy, credentials, ledger, audit, today };
    const assured = bootId === null ? transaction : relaxed;
    const calls = createModelCalls({ ...shared, relaxed, assured, refusals, now, newId: randomUUID });
    calls.recover();
    return {
      operations: createOperations({ ...shared, canaries, calls, checkpoints }),
      abandon: calls.abandon,
      close() {
        const { seq, hash } = audit.head();
        flush.stop();
        transaction(() => {
          checkpoints.sign('keeper', seq, hash);
          run.end();
        });
        database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
        database.close();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The end of the chain may be missing as well: this record is where it goes on. */
function recordPowerLoss(ledger: Ledger, audit: AuditChain): void {
  audit.append(fact('keeper.power_lost', 'keeper', 'keeper', {}));
  for (const { scope, period, chargedMicroUsd } of ledger.chargeUnknown())
    audit.append(fact('budget.charged_to_mark', 'keeper', scope, { period, chargedMicroUsd }));
}
