import { AgentsConfig } from '@openlegion/contract/agents-config';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { setInYaml } from './set-in-yaml.ts';

export type BudgetOwner = { file: 'agents' | 'mesh'; path: string[]; shown: string };

export interface BudgetChange {
  daily_usd?: number;
  monthly_usd?: number;
  requests_per_minute?: number;
  tokens_per_minute?: number;
}

/** `researcher`, `team:sales` or `fleet`. Limits per minute are an agent's own. */
export function budgetOwner(typed: string): BudgetOwner {
  if (typed === 'fleet') return { file: 'mesh', path: ['budget'], shown: 'the fleet' };
  const [, team] = /^team:(.+)$/.exec(typed) ?? [];
  if (team) return { file: 'mesh', path: ['teams', team, 'budget'], shown: `the team ${team}` };
  return { file: 'agents', path: ['agents', typed, 'budget'], shown: typed };
}

/**
 * The file with the limits set and everything else, comments too, kept; null when they were so already. Throws
 * `bad_request` when the outcome is no valid configuration, with what is wrong in it.
 */
export function editBudget(text: string, owner: BudgetOwner, change: BudgetChange): string | null {
  const document = parseDocument(text);
  if (document.errors.length > 0) throw invalid(document.errors[0]?.message ?? 'it is not YAML');
  if (owner.file === 'agents' && !document.hasIn(owner.path.slice(0, 2)))
    throw invalid(`there is no agent ${owner.path[1]}`);
  const wanted = Object.entries(change).filter(
    ([key, value]) => document.getIn([...owner.path, key]) !== value,
  );
  if (wanted.length === 0) return null;
  const after = wanted.reduce((done, [key, value]) => setInYaml(done, [...owner.path, key], value), text);
  const schema = owner.file === 'agents' ? AgentsConfig : MeshConfig;
  const parsed = schema.safeParse(parseDocument(after).toJS());
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error));
  return after;
}

function invalid(what: string): OpenLegionError {
  return new OpenLegionError({
    code: 'bad_request',
    rule: 'cli.budget',
    message: `The limits cannot be set: ${what}`,
    remedy: 'A new team needs both --daily and --monthly; agents are those of config/agents.yaml.',
  });
}
