import type { KeeperOperations, KeeperStatus } from '@openlegion/contract/keeper-protocol';
import { LINE_BYTES } from '../process/keeper-client.ts';
import { REQUEST_PARSERS } from '../process/keeper-requests.ts';
import type { Connection, Operation } from '../process/role-socket.ts';
import type { Parser } from '../process/strict-parser.ts';
import { VaultError } from '../process/vault-error.ts';
import { createAgentSecrets } from './agent-secrets.ts';
import type { createEgress } from './egress.ts';
import type { KeeperParts } from './keeper.ts';
import type { createModelCalls } from './model-calls.ts';
import { createOperator } from './operator.ts';

export type KeeperRole = keyof KeeperOperations;

type Typed = {
  [R in KeeperRole]: {
    [O in keyof KeeperOperations[R]]: KeeperOperations[R][O] extends { request: infer Q; answer: infer A }
      ? (request: Q, connection: Connection) => A
      : never;
  };
};

/** Room for the envelope around a page of the audit chain. */
const PAGE_BYTES = LINE_BYTES - 65_536;

/** What each role may ask for; there is nothing else. */
export function createOperations(
  parts: KeeperParts,
  { reserve, settle }: ReturnType<typeof createModelCalls>,
  { egress, egressDone, egressRecheck }: ReturnType<typeof createEgress>,
): Record<KeeperRole, ReadonlyMap<string, Operation>> {
  const { database, policy, credentials, ledger, audit, today } = parts;
  const { authority, ...secrets } = createAgentSecrets(parts);

  function signHostChain({ seq, hash }: { seq: number; hash: string }) {
    const about = { actor: 'host', subject: `host chain at ${seq}`, detail: { hash } };
    try {
      return database.durable(() => {
        const before = audit.newest('host');
        const checkpoint = audit.sign('host', seq, hash);
        if (seq !== before?.seq) audit.append({ type: 'checkpoint.signed', ...about });
        return checkpoint;
      });
    } catch (error) {
      if (error instanceof VaultError)
        audit.refused('checkpoint', { type: 'checkpoint.refused', ...about, rule: error.rule });
      throw error;
    }
  }

  const shared = {
    names: () => ({ credentials: credentials.list().map(({ short: _, isIntact: __, ...name }) => name) }),
    audit: ({ after, limit }: { after: number; limit: number }) => ({
      records: audit.read(after, limit, PAGE_BYTES),
    }),
    status: (): KeeperStatus => ({
      ...{ uid: process.getuid?.() ?? 0, pid: process.pid },
      ...{ openReservations: ledger.open().length, lastCheckpoint: audit.newest('host') },
    }),
  };
  const operations: Typed = {
    gateway: { reserve, settle, egress, egressDone, egressRecheck, authority },
    host: {
      ...shared,
      ...secrets,
      policy: (next) => ({ hash: policy.replace(next, audit) }),
      costs: () => ledger.costs(policy.current(), today()),
      warnings: () => ({ warnings: ledger.warnings(today()) }),
      checkpoint: signHostChain,
    },
    admin: {
      ...shared,
      ...createOperator(parts),
      checkpoints: () => ({ checkpoints: audit.checkpoints(), publicKeyPem: audit.publicKeyPem }),
    },
  };
  const parsed = (role: KeeperRole): Map<string, Operation> => {
    const parsers = new Map<string, Parser<unknown>>(Object.entries(REQUEST_PARSERS[role]));
    const all = Object.entries<(request: never, connection: Connection) => unknown>(operations[role]);
    // The parser of the same name made the request, so it is of that operation's type.
    return new Map(
      all.map(([name, run]) => [name, (args, of) => run(parsers.get(name)?.(args, '') as never, of)]),
    );
  };
  return { gateway: parsed('gateway'), host: parsed('host'), admin: parsed('admin') };
}
