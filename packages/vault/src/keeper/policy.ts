import { createHash } from 'node:crypto';
import type { Policy, PolicyAgent } from '@openlegion/contract/keeper-protocol';
import type { Audit } from '../process/audit-chain.ts';
import { type Account, accountsOf } from '../process/budget-accounts.ts';
import type { Database } from '../process/database.ts';
import { unknownAgent } from '../process/keeper-refusals.ts';
import { parsePolicy } from '../process/keeper-requests.ts';
import { VaultError } from '../process/vault-error.ts';
import type { Vault } from './vault-key.ts';

const NO_LIMITS = { dailyMicroUsd: 0, monthlyMicroUsd: 0 };
const NOTHING: Policy = { timeZone: 'UTC', fleet: NO_LIMITS, teams: [], agents: [], opaqueHosts: [] };

export type PolicyStore = ReturnType<typeof createPolicyStore>;

/** The policy in force. It is kept sealed, so that it stands after a restart and a changed file grants nothing. */
export function createPolicyStore(database: Database, vault: Vault, audit: Audit) {
  let policy = NOTHING;
  let agents = new Map<string, PolicyAgent>();

  function use(next: Policy): void {
    policy = next;
    agents = new Map(next.agents.map((agent) => [agent.name, agent]));
  }

  try {
    use(parsePolicy(JSON.parse(vault.read('policy')?.toString() ?? 'null'), 'policy'));
  } catch (error) {
    // None, one changed by something else, or one of an older version, which lacks what this one decides by: nothing
    // is admitted until the host has sent its own.
    if (!(error instanceof VaultError)) throw error;
  }

  /** The agent and its parents upwards. Throws `denied` for one that the policy does not have. */
  function lineOf(name: string): [PolicyAgent, ...PolicyAgent[]] {
    const agent = agents.get(name);
    if (!agent) throw unknownAgent();
    return [agent, ...(agent.parent === null ? [] : lineOf(agent.parent))];
  }

  return {
    lineOf,
    current: () => policy,
    knows: (name: string) => agents.has(name),
    agent: (name: string) => lineOf(name)[0],
    /** Of one that is not in the policy any more, the fleet's alone. */
    accountsOf: (name: string): Account[] => accountsOf(policy, agents.has(name) ? lineOf(name) : []),
    /** Puts a policy in force and records it, unless it is the one in force. Returns its hash. */
    replace(next: Policy): string {
      const text = JSON.stringify(next);
      const hash = createHash('sha256').update(text).digest('hex');
      if (text === JSON.stringify(policy)) return hash;
      database.durable(() => {
        vault.write('policy', Buffer.from(text));
        const detail = { hash, agents: next.agents.length };
        audit.append({ type: 'policy.changed', actor: 'host', subject: 'policy', detail });
      });
      use(next);
      return hash;
    },
  };
}
