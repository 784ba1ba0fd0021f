import type { AgentPermissions } from '@openlegion/contract/permissions-config';
import { matchesPattern } from '../router/match-pattern.ts';

/** The tools that the agent's program has. */
export const AGENT_TOOLS = [
  'exec',
  'read_file',
  'write_file',
  'list_files',
  'hand_off',
  'list_agents',
] as const;

/**
 * Those that `allowed_tools` grants. The tool's own entry decides, else the longest pattern that covers it, else it
 * is denied. `ask` needs an approver; as long as there is none to ask, it means no.
 */
export function grantedTools({ allowed_tools: entries }: AgentPermissions): string[] {
  const patterns = Object.entries(entries).sort(([a], [b]) => b.length - a.length);
  return AGENT_TOOLS.filter((tool) => {
    const entry =
      patterns.find(([name]) => name === tool) ?? patterns.find(([name]) => matchesPattern(name, tool));
    return entry?.[1] === 'allow';
  });
}
