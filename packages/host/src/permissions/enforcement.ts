import type { EnforcementStatement, Enforcer } from '@openlegion/contract/control-permissions';
import type { AgentPermissions } from '@openlegion/contract/permissions-config';
import { BROWSER_TOOLS } from '../fleet/browser-tools.ts';

export interface Enforcement {
  enforcedBy: Enforcer;
  /** What happens, to whoever asks, when there is no grant. */
  how: string;
}

const at = (enforcedBy: Enforcer, how: string): Enforcement => ({ enforcedBy, how });

/** `askHeldBy`: who refuses a call that nobody approved, where the tool is set to `ask`. */
export type ToolEnforcement = Enforcement & { askHeldBy: Enforcer };

const ofAgent = (enforcedBy: Enforcer, how: string): ToolEnforcement => ({
  ...at(enforcedBy, how),
  askHeldBy: 'agent',
});
/** Of a tool that a mesh route names as its own: see `RouteTool`. */
const ofMesh = (how: string): ToolEnforcement => ({ ...at('host', how), askHeldBy: 'host' });

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

const OWN_CONTAINER = ofAgent('agent', 'acts in its own container, which is what confines it');
const OUTSIDE = ofAgent('keeper', 'reaches what allowed_domains and allowed_credentials grant, nothing more');
const granted = (field: string) => ofMesh(`the mesh refuses what ${field} does not grant`);

/**
 * Of each tool: what stops its effect when the model's tool list is got around. The list itself (`allowed_tools`) is
 * the gateway's for what models are offered and answer; a program in the container that calls no model needs no tool.
 */
const TOOLS: readonly (readonly [names: readonly string[], enforcement: ToolEnforcement])[] = [
  [['exec', 'read_file', 'write_file', 'edit_file', 'list_files', 'search_files'], OWN_CONTAINER],
  [['memory_search', 'memory_save', 'memory_recall', 'update_workspace'], OWN_CONTAINER],
  [
    ['spawn_subagent', 'list_subagents'],
    ofAgent('agent', 'a turn of the same agent, under its grants and on its budget'),
  ],
  [['create_skill', 'list_custom_skills', 'reload_skills', 'read_skill'], OWN_CONTAINER],
  [
    BROWSER_TOOLS,
    ofAgent('host', 'without can_use_browser the container has none; what pages reach is allowed_domains'),
  ],
  [['request_host'], ofMesh('asks a person; what is reached is allowed_domains')],
  [['http_request', 'web_fetch'], OUTSIDE],
  [['web_search'], ofAgent('keeper', 'the keeper refuses the search without allowed_apis: web_search')],
  [['hand_off', 'list_agents'], granted('can_message')],
  [['read_shared_state', 'list_shared_state'], granted('blackboard_read')],
  [['write_shared_state'], granted('blackboard_write')],
  [['publish_event'], granted('can_publish')],
  [['subscribe_event'], granted('can_subscribe')],
  [['check_inbox', 'update_status', 'complete_task'], ofMesh('moves no task but its own')],
  [['save_artifact'], granted('blackboard_write')],
  [['read_artifact'], granted('blackboard_read')],
  [['read_agent_history'], granted('allowed_apis: agent_history, and can_message,')],
  [
    ['spawn_agent'],
    ofMesh('the mesh refuses it without can_spawn, and grants it nothing that its parent has not'),
  ],
  [['notify_user'], ofMesh('shown as the agent’s words, 20 an hour')],
  [['introspect', 'vault_list', 'vault_status'], ofMesh('shows an agent nothing but itself')],
  [['vault_generate_secret', 'vault_capture_from_page'], granted('allowed_apis: vault')],
];

const BY_TOOL: ReadonlyMap<string, ToolEnforcement> = new Map(
  TOOLS.flatMap(([names, enforcement]) => names.map((name) => [name, enforcement] as const)),
);

/** Custom tools, and those of MCP servers, are programs in the container. */
const UNKNOWN_TOOL = ofAgent(
  'agent',
  "a custom tool or an MCP server's (pins: the host keeps, the agent heeds); its requests out are allowed_domains'",
);

export function toolEnforcement(tool: string): ToolEnforcement {
  return BY_TOOL.get(tool) ?? UNKNOWN_TOOL;
}

/** Of every grant and every tool, for a reviewer: what this version does, whatever is granted to whom. */
export function enforcementStatement(): EnforcementStatement {
  return {
    grants: Object.entries(PERMISSION_ENFORCEMENT).map(([grant, held]) => ({ grant, ...held })),
    tools: [...BY_TOOL, ['custom tools, mcp_*', UNKNOWN_TOOL] as const].map(([tool, held]) => ({
      tool,
      ...held,
    })),
  };
}
