import { randomUUID } from 'node:crypto';
import { createAuditChain, FIRST_PREVIOUS_HASH, fact } from './audit-chain.ts';
import { createCalendar } from './calendar.ts';
import { createCanaries } from './canaries.ts';
import { createCheckpoints } from './checkpoints.ts';
import { createCredentialStore } from './credential-store.ts';
import { createLedger } from './ledger.ts';
import { MIGRATIONS } from './migrations.ts';
import { type Connection, createModelCalls } from './model-calls.ts';
import { openDatabase } from './open-database.ts';
import { createOperations, type KeeperRole, type Operation } from './operations.ts';
import { createPolicyStore } from './policy-store.ts';
import { createRefusalLimit } from './refusal-limit.ts';
import { createSealedTable } from './sealed-table.ts';
import { createTransactions } from './transaction.ts';
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
}

/**
 * Opens the vault and charges what a crash left reserved. Throws, with what a person can do: another keeper has it
 * (`conflict`), the key is wrong (`unauthenticated`), the files were changed or cannot be read (`internal`).
 */
export function createKeeper({ directory, uid, keyFile, now }: KeeperOptions): Keeper {
  const database = openDatabase({ directory, uid, migrations: MIGRATIONS, now });
  try {
    const { durable: transaction, relaxed } = createTransactions(database);
    const table = createSealedTable(database);
    const { seal, signingKey, firstStart } = transaction(() => unlock(table, keyFile));
    const checkpoints = createCheckpoints(database, signingKey, now);
    const audit = createAuditChain(database, now, (seq, hash) => checkpoints.sign('keeper', seq, hash));
    const signed = checkpoints.newest('keeper') ?? { seq: 0, hash: FIRST_PREVIOUS_HASH };
    audit.verifyFrom(signed.seq, signed.hash);
    transaction(() => {
      audit.append(fact('keeper.started', 'keeper', 'keeper', { uid: uid ?? process.getuid?.() ?? 0 }));
      audit.append(fact(firstStart ? 'vault.created' : 'vault.unlocked', 'keeper', 'vault', {}));
    });
    const policy = createPolicyStore(table, seal, transaction);
    const calendar = createCalendar();
    const today = () => calendar.dayOf(now(), policy.current().timeZone);
    const credentials = createCredentialStore(database, table, seal, now);
    const canaries = createCanaries(credentials, audit, transaction);
    const ledger = createLedger(database);
    const refusals = createRefusalLimit(now);
    const shared = { transaction, policy, credentials, ledger, audit, today };
    const calls = createModelCalls({ ...shared, relaxed, refusals, now, newId: randomUUID });
    calls.recover();
    return {
      operations: createOperations({ ...shared, canaries, calls, checkpoints }),
      abandon: calls.abandon,
      close() {
        const { seq, hash } = audit.head();
        transaction(() => checkpoints.sign('keeper', seq, hash));
        database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
        database.close();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}
