import { createHash } from 'node:crypto';
import type { Policy, PolicyAgent, PolicyLimits } from '@openlegion/contract/keeper-protocol';
import type { Audit } from '../process/audit-chain.ts';
import type { Database } from '../process/database.ts';
import { unknownAgent } from '../process/keeper-refusals.ts';
import { parsePolicy } from '../process/keeper-requests.ts';
import type { Vault } from './vault-key.ts';

/** One whose daily and monthly limit a call must fit into. */
export interface Account extends PolicyLimits {
  scope: string;
  /** Before `budget.daily` in the name of the rule. */
  rule: string;
  whose: string;
  setting: string;
}

const NOTHING: Policy = {
  timeZone: 'UTC',
  fleet: { dailyMicroUsd: 0, monthlyMicroUsd: 0 },
  teams: [],
  agents: [],
  opaqueHosts: [],
};

export type PolicyStore = ReturnType<typeof createPolicyStore>;

/** The policy in force. It is kept sealed, so that it stands after a restart and a changed file grants nothing. */
export function createPolicyStore(database: Database, vault: Vault) {
  let policy = NOTHING;
  let agents = new Map<string, PolicyAgent>();

  function use(next: Policy): void {
    policy = next;
    agents = new Map(next.agents.map((agent) => [agent.name, agent]));
  }

  const plain = vault.read('policy');
  // No policy, or one changed by something else: nothing is admitted until the host has sent its own.
  const kept = plain && parseKept(plain);
  if (kept) use(kept);

  /** The agent and its parents upwards. Throws `denied` for one that the policy does not have. */
  function lineOf(name: string): [PolicyAgent, ...PolicyAgent[]] {
    const agent = agents.get(name);
    if (!agent) throw unknownAgent();
    return [agent, ...(agent.parent === null ? [] : lineOf(agent.parent))];
  }

  return {
    current: () => policy,
    knows: (name: string) => agents.has(name),
    agent: (name: string) => lineOf(name)[0],
    lineOf,
    /** Whose limits an agent's calls count against: its own, its parents', all their teams', the fleet's. */
    accountsOf(name: string): Account[] {
      const line = agents.has(name) ? lineOf(name) : [];
      const teams = policy.teams.filter((team) => line.some((agent) => agent.team === team.name));
      return [
        ...line.map(({ name: of, dailyMicroUsd, monthlyMicroUsd }) => ({
          ...{ dailyMicroUsd, monthlyMicroUsd, scope: `agent:${of}`, whose: `${of}'s` },
          rule: of === name ? '' : `agents.${of}.`,
          setting: `agents.${of}.budget in config/agents.yaml`,
        })),
        ...teams.map((team) => ({
          ...{ ...team, scope: `team:${team.name}`, rule: `teams.${team.name}.` },
          ...{ whose: `team ${team.name}'s`, setting: `teams.${team.name}.budget in config/mesh.yaml` },
        })),
        {
          ...{ ...policy.fleet, scope: 'fleet', rule: 'fleet.', whose: "the fleet's" },
          setting: 'budget in config/mesh.yaml',
        },
      ];
    },
    /** Puts a policy in force and records it, unless it is the one in force. Returns its hash. */
    replace(next: Policy, audit: Audit): string {
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

/** Null for a policy of an older version, which lacks what this one decides by: the host sends its own at once. */
function parseKept(plain: Buffer): Policy | null {
  try {
    return parsePolicy(JSON.parse(plain.toString()), 'policy');
  } catch {
    return null;
  }
}
