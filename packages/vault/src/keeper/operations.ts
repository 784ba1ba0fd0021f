import type { KeeperOperations, KeeperStatus } from '@openlegion/contract/keeper-protocol';
import { LINE_BYTES } from '../process/json-lines.ts';
import type { Operation } from '../process/role-socket.ts';
import { readCosts, readWarnings } from '../process/tally.ts';
import { parsedOperations, type TypedOperations } from '../process/typed-operations.ts';
import { createAgentSecrets } from './agent-secrets.ts';
import type { createEgress } from './egress.ts';
import type { KeeperParts } from './keeper.ts';
import type { createModelCalls } from './model-calls.ts';
import { createOperator } from './operator.ts';

/** Room for the envelope around a page of the audit chain. */
const PAGE_BYTES = LINE_BYTES - 65_536;

/** What each role may ask for; there is nothing else. */
export function createOperations(
  parts: KeeperParts,
  { reserve, settle }: ReturnType<typeof createModelCalls>,
  { egress, egressDone, egressRecheck }: ReturnType<typeof createEgress>,
): Record<keyof KeeperOperations, ReadonlyMap<string, Operation>> {
  const { database, policy, credentials, ledger, audit, today } = parts;
  const { authority, ...secrets } = createAgentSecrets(parts);

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
  const operations: TypedOperations = {
    gateway: { reserve, settle, egress, egressDone, egressRecheck, authority },
    host: {
      ...shared,
      ...secrets,
      policy: (next) => ({ hash: policy.replace(next) }),
      costs: () => readCosts(database, policy.current(), today()),
      warnings: () => ({ warnings: readWarnings(database, today()) }),
      checkpoint: ({ seq, hash }) => audit.signHost(seq, hash),
    },
    admin: {
      ...shared,
      ...createOperator(parts),
      checkpoints: () => ({ checkpoints: audit.checkpoints(), publicKeyPem: audit.publicKeyPem }),
    },
  };
  return parsedOperations(operations);
}
