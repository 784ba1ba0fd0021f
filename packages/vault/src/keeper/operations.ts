import type { AuditCheckpoint } from '@openlegion/contract/audit-record';
import type { KeeperOperations, KeeperStatus } from '@openlegion/contract/keeper-protocol';
import { tierOf } from '../process/credential-name.ts';
import { LINE_BYTES } from '../process/keeper-client.ts';
import { REQUEST_PARSERS } from '../process/keeper-requests.ts';
import { malformed, type Parser } from '../process/strict-parser.ts';
import { VaultError } from '../process/vault-error.ts';
import { type AuditChain, fact } from './audit-chain.ts';
import type { Canaries } from './canaries.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { CredentialStore } from './credential-store.ts';
import type { Ledger } from './ledger.ts';
import type { Connection, ModelCalls } from './model-calls.ts';
import type { PolicyStore } from './policy-store.ts';
import type { Transaction } from './transaction.ts';

export type KeeperRole = keyof KeeperOperations;

/** Does one operation. `args` is not parsed yet; throws the refusal. */
export type Operation = (args: unknown, connection: Connection) => unknown;

export interface OperationParts {
  transaction: Transaction;
  policy: PolicyStore;
  credentials: CredentialStore;
  canaries: Canaries;
  ledger: Ledger;
  calls: ModelCalls;
  audit: AuditChain;
  checkpoints: Checkpoints;
  today: () => string;
}

type Typed = {
  [R in KeeperRole]: {
    [O in keyof KeeperOperations[R]]?: KeeperOperations[R][O] extends { answer: infer A }
      ? (args: unknown, connection: Connection) => A
      : never;
  };
};

/** Room for the envelope around a page of the audit chain. */
const PAGE_BYTES = LINE_BYTES - 65_536;

/** What each role may ask for; there is nothing else. */
export function createOperations(parts: OperationParts): Record<KeeperRole, ReadonlyMap<string, Operation>> {
  const { transaction, policy, credentials, canaries, ledger, calls, audit, checkpoints, today } = parts;
  const { gateway, host, admin } = REQUEST_PARSERS;

  function signHostChain(seq: number, hash: string): AuditCheckpoint {
    const subject = `host chain at ${seq}`;
    try {
      return transaction(() => {
        const before = checkpoints.newest('host');
        const checkpoint = checkpoints.sign('host', seq, hash);
        if (seq !== before?.seq) audit.append(fact('checkpoint.signed', 'host', subject, { hash }));
        return checkpoint;
      });
    } catch (error) {
      if (error instanceof VaultError)
        audit.append({
          ...fact('checkpoint.refused', 'host', subject, { hash }),
          decision: 'denied',
          rule: error.rule,
        });
      throw error;
    }
  }

  const names = () => ({ credentials: credentials.names() });
  const status = (): KeeperStatus => ({
    uid: process.getuid?.() ?? 0,
    pid: process.pid,
    openReservations: ledger.open().length,
    lastCheckpoint: checkpoints.newest('host'),
  });
  const page = ({ after, limit }: { after: number; limit: number }) => ({
    records: audit.read(after, limit, PAGE_BYTES),
  });

  const operations: Typed = {
    gateway: {
      reserve: on(gateway.reserve, calls.reserve),
      settle: on(gateway.settle, calls.settle),
    },
    host: {
      policy: on(host.policy, (next) => ({
        hash: policy.replace(next, (hash) => {
          audit.append(fact('policy.changed', 'host', 'policy', { hash, agents: next.agents.length }));
        }),
      })),
      costs: on(host.costs, () => ledger.costs(policy.current(), today())),
      checkpoint: on(host.checkpoint, ({ seq, hash }) => signHostChain(seq, hash)),
      names: on(host.names, names),
      audit: on(host.audit, page),
      status: on(host.status, status),
    },
    admin: {
      put: on(admin.put, ({ name, value, origins }) => {
        if (canaries.owns(name)) throw malformed('name', "a name that is not one of verify's canaries");
        if (tierOf(name) === 'system' && origins.length === 0)
          throw malformed('origins', 'at least one origin: the only places this key may be sent to');
        return transaction(() => {
          const version = credentials.put({ name, value, origins, canary: false });
          audit.append(fact('credential.stored', 'operator', name, { version, origins }));
          return { name, version };
        });
      }),
      remove: on(admin.remove, ({ name }) =>
        transaction(() => {
          const removed = credentials.remove(name);
          if (removed) audit.append(fact('credential.removed', 'operator', name, {}));
          return { removed };
        }),
      ),
      names: on(admin.names, names),
      audit: on(admin.audit, page),
      checkpoints: on(admin.checkpoints, () => ({
        checkpoints: checkpoints.list(),
        publicKeyPem: checkpoints.publicKeyPem,
      })),
      canaries: on(admin.canaries, (request) => ({ names: canaries.make(request) })),
      removeCanaries: on(admin.removeCanaries, () => ({ removed: canaries.removeAll() })),
      status: on(admin.status, status),
    },
  };
  return {
    gateway: new Map(Object.entries(operations.gateway)),
    host: new Map(Object.entries(operations.host)),
    admin: new Map(Object.entries(operations.admin)),
  };
}

function on<Q, A>(parse: Parser<Q>, run: (request: Q, connection: Connection) => A) {
  return (args: unknown, connection: Connection): A => run(parse(args, ''), connection);
}
