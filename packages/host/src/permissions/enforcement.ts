import type { Enforcer } from '@openlegion/contract/control-permissions';
import type { AgentPermissions } from '@openlegion/contract/permissions-config';
import { BROWSER_TOOLS } from '../fleet/browser-tools.ts';

export interface Enforcement {
  enforcedBy: Enforcer;
  /** What happens, to whoever asks, when there is no grant. */
  how: string;
}

const at = (enforcedBy: Enforcer, how: string): Enforcement => ({ enforcedBy, how });

/** Of each field of permissions.json: who holds to it when the whole container is hostile. */
export const PERMISSION_ENFORCEMENT: { readonly [Field in keyof AgentPermissions]: Enforcement } = {
  can_message: at('host', 'the mesh refuses the hand-off'),
  can_publish: at('host', 'the mesh refuses the event'),
  can_subscribe: at('host', 'the mesh refuses the subscription, and decides again at each delivery'),
  blackboard_read: at('host', 'the mesh refuses the read and lists nothing'),
  blackboard_write: at('host', 'the mesh refuses the write'),
  allowed_apis: at('host', 'the mesh refuses the request, and the keeper the call or search'),
  allowed_credentials: at('keeper', 'the keeper releases nothing'),
  allowed_domains: at('keeper', 'the keeper refuses the request, the gateway does not dial'),
  allowed_tools: at('gateway', 'taken out of what the model is offered; an answer that calls it is ended'),
  can_spawn: at('host', 'the mesh refuses to make an agent'),
  can_use_browser: at('host', 'the container has no browser'),
  browser_actions: at('agent', 'the loop refuses the action; what pages can reach is allowed_domains'),
};

const OWN_CONTAINER = at('agent', 'acts in its own container, which is what confines it');
const OUTSIDE = at('keeper', 'reaches what allowed_domains and allowed_credentials grant, nothing more');
const OF_MESH = (field: string) => at('host', `the mesh refuses what ${field} does not grant`);

/**
 * Of each tool: what stops its effect when the model's tool list is got around. The list itself (`allowed_tools`) is
 * the gateway's for what models are offered and answer; a program in the container that calls no model needs no tool.
 */
const TOOLS: readonly (readonly [names: readonly string[], enforcement: Enforcement])[] = [
  [['exec', 'read_file', 'write_file', 'edit_file', 'list_files', 'search_files'], OWN_CONTAINER],
  [['memory_search', 'memory_save', 'memory_recall', 'update_workspace'], OWN_CONTAINER],
  [
    ['spawn_subagent', 'list_subagents'],
    at('agent', 'a turn of the same agent, under its grants and on its budget'),
  ],
  [['create_skill', 'list_custom_skills', 'reload_skills', 'read_skill'], OWN_CONTAINER],
  [
    BROWSER_TOOLS,
    at('host', 'without can_use_browser the container has none; what pages reach is allowed_domains'),
  ],
  [['request_host'], at('host', 'asks a person; what is reached is allowed_domains')],
  [['http_request', 'web_fetch'], OUTSIDE],
  [['web_search'], at('keeper', 'the keeper refuses the search without allowed_apis: web_search')],
  [['hand_off', 'list_agents'], OF_MESH('can_message')],
  [['read_shared_state', 'list_shared_state'], OF_MESH('blackboard_read')],
  [['write_shared_state'], OF_MESH('blackboard_write')],
  [['publish_event'], OF_MESH('can_publish')],
  [['subscribe_event'], OF_MESH('can_subscribe')],
  [['check_inbox', 'update_status', 'complete_task'], at('host', 'moves no task but its own')],
  [['save_artifact'], OF_MESH('blackboard_write')],
  [['read_artifact'], OF_MESH('blackboard_read')],
  [['read_agent_history'], OF_MESH('allowed_apis: agent_history, and can_message,')],
  [
    ['spawn_agent'],
    at('host', 'the mesh refuses it without can_spawn, and grants it nothing that its parent has not'),
  ],
  [['notify_user'], at('host', 'shown as the agent’s words, 20 an hour')],
  [['introspect', 'vault_list', 'vault_status'], at('host', 'shows an agent nothing but itself')],
  [['vault_generate_secret', 'vault_capture_from_page'], OF_MESH('allowed_apis: vault')],
];

const BY_TOOL: ReadonlyMap<string, Enforcement> = new Map(
  TOOLS.flatMap(([names, enforcement]) => names.map((name) => [name, enforcement] as const)),
);

/** Custom tools, and those of MCP servers, are programs in the container. */
const UNKNOWN_TOOL = at(
  'agent',
  "a custom tool or an MCP server's (pins: the host keeps, the agent heeds); its requests out are allowed_domains'",
);

export function toolEnforcement(tool: string): Enforcement {
  return BY_TOOL.get(tool) ?? UNKNOWN_TOOL;
}

export function toolsWithEnforcement(): string[] {
  return [...BY_TOOL.keys()];
}
