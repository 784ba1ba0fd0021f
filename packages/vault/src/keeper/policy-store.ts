import { createHash } from 'node:crypto';
import type { Policy, PolicyAgent } from '@openlegion/contract/keeper-protocol';
import { parsePolicy } from '../process/keeper-requests.ts';
import type { Seal } from './seal.ts';
import type { SealedTable } from './sealed-table.ts';
import type { Transaction } from './transaction.ts';

/** The policy in force. It is kept sealed, so that it stands after a restart and a changed file grants nothing. */
export interface PolicyStore {
  current(): Policy;
  agent(name: string): PolicyAgent | null;
  /** Runs `record` in the transaction that keeps the policy, unless it is the one in force. Returns its hash. */
  replace(policy: Policy, record: (hash: string) => void): string;
}

const NOTHING: Policy = {
  timeZone: 'UTC',
  fleet: { dailyMicroUsd: 0, monthlyMicroUsd: 0 },
  teams: [],
  agents: [],
  opaqueHosts: [],
};

export function createPolicyStore(table: SealedTable, seal: Seal, transaction: Transaction): PolicyStore {
  let policy = NOTHING;
  let agents = new Map<string, PolicyAgent>();

  function use(next: Policy): void {
    policy = next;
    agents = new Map(next.agents.map((agent) => [agent.name, agent]));
  }

  const plain = seal.open(table.get('policy') ?? new Uint8Array(), ['policy']);
  // No policy, or one changed by something else: nothing is admitted until the host has sent its own.
  if (plain) use(parsePolicy(JSON.parse(plain.toString()), 'policy'));

  return {
    current: () => policy,
    agent: (name) => agents.get(name) ?? null,
    replace(next, record) {
      const text = JSON.stringify(next);
      const hash = createHash('sha256').update(text).digest('hex');
      if (text === JSON.stringify(policy)) return hash;
      transaction(() => {
        table.put('policy', seal.seal(Buffer.from(text), ['policy']));
        record(hash);
      });
      use(next);
      return hash;
    },
  };
}
