import type { KeeperOperations } from '@openlegion/contract/keeper-protocol';
import { type Audit, createAudit } from '../process/audit-chain.ts';
import { createCalendar } from '../process/calendar.ts';
import { type Database, openDatabase, type Transaction } from '../process/database.ts';
import type { Connection, Operation } from '../process/role-socket.ts';
import { beginRun, endRun, TOUCH } from '../process/run-mark.ts';
import { MIGRATIONS } from '../process/vault-schema.ts';
import { type CredentialStore, createCredentialStore } from './credentials.ts';
import { createEgress } from './egress.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { createModelCalls } from './model-calls.ts';
import { createOperations } from './operations.ts';
import { createPolicyStore, type PolicyStore } from './policy.ts';
import { unlock, type Vault } from './vault-key.ts';

/** The keeper without its sockets: everything it does, over one database that it alone has open. */
export interface Keeper {
  operations: Record<keyof KeeperOperations, ReadonlyMap<string, Operation>>;
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
  /** For releases within marks on disk, or that cost no money: forced to disk only where no start could tell a power failure. */
  assured: Transaction;
}

/**
 * Opens the vault and charges what a crash left reserved, or what a power failure may have taken back. Throws, with
 * what a person can do: another keeper has it (`conflict`), the key is wrong (`unauthenticated`), the files were
 * changed or cannot be read (`internal`).
 */
export function createKeeper(options: KeeperOptions): Keeper {
  const { directory, uid, keyFile, now, bootId, later, forced } = options;
  const database = openDatabase({ directory, uid, migrations: MIGRATIONS, now, touch: TOUCH, later, forced });
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
    const policy = createPolicyStore(database, vault, audit);
    const calendar = createCalendar();
    const today = () => calendar.dayOf(now(), policy.current().timeZone);
    const credentials = createCredentialStore(database, vault, now);
    const assured = bootId === null ? database.durable : database.relaxed;
    const parts = { database, vault, policy, credentials, ledger, audit, now, today, assured };
    const calls = createModelCalls(parts);
    const egress = createEgress(parts);
    calls.recover();
    return {
      operations: createOperations(parts, calls, egress),
      together: database.together,
      abandon(connection) {
        calls.abandon(connection);
        egress.abandon(connection);
        connection.clear();
      },
      close() {
        const { seq, hash } = audit.head();
        database.durable(() => {
          audit.sign('keeper', seq, hash);
          endRun(database);
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

/** The end of the chain may be missing as well: this record is where it goes on. */
function recordPowerLoss(ledger: Ledger, audit: Audit): void {
  audit.append({ type: 'keeper.power_lost', actor: 'keeper', subject: 'keeper' });
  for (const { scope: subject, ...detail } of ledger.chargeUnknown())
    audit.append({ type: 'budget.charged_to_mark', actor: 'keeper', subject, detail });
}
