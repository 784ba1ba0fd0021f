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
  'http_request',
  'web_search',
  'vault_list',
  'vault_status',
  'vault_generate_secret',
  'vault_capture_from_page',
  'introspect',
] as const;

/** Tools that can do nothing without a grant of `allowed_apis`: a model is not offered what is bound to fail. */
const NEEDED_API: ReadonlyMap<string, string> = new Map([
  ['web_search', 'web_search'],
  ['vault_generate_secret', 'vault'],
  ['vault_capture_from_page', 'vault'],
]);

/**
 * Those that `allowed_tools` grants. The tool's own entry decides, else the longest pattern that covers it, else it
 * is denied. `ask` needs an approver; as long as there is none to ask, it means no.
 */
export function grantedTools({ allowed_tools: entries, allowed_apis }: AgentPermissions): string[] {
  const patterns = Object.entries(entries).sort(([a], [b]) => b.length - a.length);
  return AGENT_TOOLS.filter((tool) => {
    const api = NEEDED_API.get(tool);
    if (api !== undefined && !allowed_apis.some((pattern) => matchesPattern(pattern, api))) return false;
    const entry =
      patterns.find(([name]) => name === tool) ?? patterns.find(([name]) => matchesPattern(name, tool));
    return entry?.[1] === 'allow';
  });
}
