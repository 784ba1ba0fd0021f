import { type AgentList, HandoffRequest, RouteRequest } from '@openlegion/contract/mesh-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Clock } from '../clock.ts';
import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { MeshRequest } from '../pipe/pipe.ts';
import { decidePermission } from '../router/decide-permission.ts';
import type { RouteDeclaration } from '../router/route-declaration.ts';
import type { Router } from '../router/router.ts';
import type { GatewayClient } from '../vault/gateway-client.ts';
import type { KeeperClient } from '../vault/keeper-client.ts';
import type { VaultView } from '../vault/vault-view.ts';
import { forwardModelCall } from './forward-model-call.ts';
import { introspect } from './introspect.ts';
import { readJsonBody } from './read-json-body.ts';
import { routeModel } from './route-model.ts';

const REQUEST_BYTES = 512 * 1024;

export interface MeshParts {
  config: FleetConfig;
  router: Router;
  lanes: Lanes;
  gateway: GatewayClient;
  keeper: KeeperClient;
  vault: VaultView;
  clock: Clock;
  warn: (message: string) => void;
}

export interface MeshRoute extends RouteDeclaration {
  /** Resolves with the JSON to answer, or with undefined when it has answered itself. */
  run(agent: AgentSettings, request: MeshRequest): Promise<unknown>;
}

/** Everything that an agent can ask for. What is not in this table does not exist for it. */
export function meshRoutes(parts: MeshParts): readonly MeshRoute[] {
  const { config, router, lanes, gateway, keeper, vault, clock } = parts;
  return [
    {
      method: 'POST',
      path: '/llm/{rest}',
      zone: 1,
      permission: 'allowed_apis: llm',
      async run(agent, request) {
        const running = lanes.running(agent.name);
        const caller = { agent: agent.name, traceId: running?.traceId ?? '' };
        const charge = await forwardModelCall(request, caller, gateway);
        if (charge && running)
          lanes.charge(agent.name, { model: modelOf(agent, request.path), ...charge }, running);
        request.stream.end();
        return undefined;
      },
    },
    {
      method: 'POST',
      path: '/mesh/route',
      zone: 1,
      permission: 'allowed_apis: llm',
      async run(agent, { stream }) {
        const request = await readJsonBody(stream, RouteRequest, REQUEST_BYTES);
        return routeModel(agent, request, await vault.providers(), await vault.modelHealth(), clock.now());
      },
    },
    {
      method: 'POST',
      path: '/mesh/handoff',
      zone: 1,
      permission: 'can_message',
      async run(agent, { stream }) {
        const routed = await router.handOff(
          agent.name,
          await readJsonBody(stream, HandoffRequest, REQUEST_BYTES),
        );
        if (!routed.ok) throw new OpenLegionError(routed.refusal);
        return routed.value;
      },
    },
    {
      method: 'GET',
      path: '/mesh/agents',
      zone: 1,
      permission: 'self',
      async run(agent): Promise<AgentList> {
        const seen = [...config.agents.values()].filter(
          ({ name }) => name !== agent.name && decidePermission(agent, 'can_message', name).allowed,
        );
        return { agents: seen.map(({ name, role, capabilities }) => ({ name, role, capabilities })) };
      },
    },
    {
      method: 'GET',
      path: '/mesh/introspect',
      zone: 1,
      permission: 'self',
      run: async (agent) => introspect(agent, await keeper.costs()),
    },
  ];
}

/** For the event only: the agent's model at this provider, or the provider where it has several there. */
function modelOf({ models }: AgentSettings, path: string): string {
  const provider = path.split('/')[2] ?? '';
  const [only, ...others] = models.filter((model) => model.startsWith(`${provider}/`));
  return only !== undefined && others.length === 0 ? only : provider;
}
