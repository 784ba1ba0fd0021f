import type { AgentPermissions } from '@openlegion/contract/permissions-config';
import { type ToolDecision, toolDecision } from '../permissions/tool-decision.ts';
import type { PatternPermission } from '../router/decide-permission.ts';
import { matchesPattern } from '../router/match-pattern.ts';
import { BROWSER_TOOLS, browserAllows } from './browser-tools.ts';

/** The tools that the agent's program has. */
export const AGENT_TOOLS = [
  'exec',
  'read_file',
  'write_file',
  'edit_file',
  'list_files',
  'search_files',
  'hand_off',
  'list_agents',
  'read_shared_state',
  'write_shared_state',
  'list_shared_state',
  'publish_event',
  'subscribe_event',
  'check_inbox',
  'update_status',
  'complete_task',
  'http_request',
  'request_host',
  'web_search',
  'web_fetch',
  'vault_list',
  'vault_status',
  'vault_generate_secret',
  'vault_capture_from_page',
  'introspect',
  'notify_user',
  'save_artifact',
  'read_artifact',
  'read_agent_history',
  'spawn_agent',
  'memory_search',
  'memory_save',
  'memory_recall',
  'update_workspace',
  'spawn_subagent',
  'list_subagents',
  'create_skill',
  'list_custom_skills',
  'reload_skills',
  'read_skill',
  ...BROWSER_TOOLS,
] as const;

/** Tools that can do nothing without a grant of `allowed_apis`: a model is not offered what is bound to fail. */
const NEEDED_API: ReadonlyMap<string, string> = new Map([
  ['web_search', 'web_search'],
  ['read_agent_history', 'agent_history'],
  ['vault_generate_secret', 'vault'],
  ['vault_capture_from_page', 'vault'],
]);

/** The same of a list of permissions.json: one that is empty grants nothing. */
const NEEDED_LIST: ReadonlyMap<string, PatternPermission> = new Map([
  ['read_shared_state', 'blackboard_read'],
  ['list_shared_state', 'blackboard_read'],
  ['write_shared_state', 'blackboard_write'],
  ['publish_event', 'can_publish'],
  ['subscribe_event', 'can_subscribe'],
  ['save_artifact', 'blackboard_write'],
  ['read_artifact', 'blackboard_read'],
  ['hand_off', 'can_message'],
  ['list_agents', 'can_message'],
]);

/** What `allowed_tools` says of a tool. */
export function toolSetting(
  { allowed_tools: entries }: Pick<AgentPermissions, 'allowed_tools'>,
  tool: string,
): ToolDecision['decision'] {
  return toolDecision(entries, tool).decision;
}

export function toolRule({ permissionsRecord }: { permissionsRecord: string }): string {
  return `permissions.${permissionsRecord}.allowed_tools`;
}

/** Those that an agent is offered. What needs approval is not where there is nobody to ask. */
export function grantedTools(permissions: AgentPermissions, hasApprover: boolean): string[] {
  const { allowed_apis } = permissions;
  return AGENT_TOOLS.filter((tool) => {
    const api = NEEDED_API.get(tool);
    if (api !== undefined && !allowed_apis.some((pattern) => matchesPattern(pattern, api))) return false;
    if (tool === 'spawn_agent' && !permissions.can_spawn) return false;
    if (tool === 'request_host' && !hasApprover) return false;
    const list = NEEDED_LIST.get(tool);
    if (list !== undefined && permissions[list].length === 0) return false;
    if (!browserAllows(permissions, tool)) return false;
    const setting = toolSetting(permissions, tool);
    return setting === 'allow' || (setting === 'ask' && hasApprover);
  });
}

/**
 * What is granted of tools that only the agent knows (skills, MCP servers), as `allowed_tools` has it: longest first, so
 * that the first that covers a name decides; `!` before one that takes away.
 */
export function grantedPatterns({ allowed_tools }: AgentPermissions, hasApprover: boolean): string[] {
  const entries = Object.entries(allowed_tools)
    .filter(([name]) => name.length < 100 && !AGENT_TOOLS.some((tool) => tool === name))
    .sort(([a], [b]) => b.length - a.length)
    .map(([name, setting]) =>
      setting === 'allow' || (setting === 'ask' && hasApprover) ? name : `!${name}`,
    );
  return entries.every((entry) => entry.startsWith('!')) ? [] : entries;
}

/** Of those, and as patterns of what only the agent knows, the ones about which a person is asked before each call. */
export function askedTools(permissions: AgentPermissions): string[] {
  const known = AGENT_TOOLS.filter((tool) => toolSetting(permissions, tool) === 'ask');
  const patterns = Object.entries(permissions.allowed_tools).filter(
    ([name, setting]) => setting === 'ask' && !AGENT_TOOLS.some((tool) => tool === name),
  );
  return [...known, ...patterns.map(([name]) => name)];
}
