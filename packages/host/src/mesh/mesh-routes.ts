import { type AgentList, RouteRequest } from '@openlegion/contract/mesh-api';
import type { Refusal } from '@openlegion/contract/refusal';
import type { z } from 'zod';
import type { BudgetWarnings } from '../budget/budget-warnings.ts';
import type { Clock } from '../clock.ts';
import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import type { EventLog } from '../delivery/event-log.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { Message } from '../lanes/message.ts';
import { callableModels } from '../models/embedding-model.ts';
import { modelsOfAgent } from '../models/models-of-agent.ts';
import type { MeshRequest } from '../pipe/pipe.ts';
import { decidePermission } from '../router/decide-permission.ts';
import type { RouteDeclaration } from '../router/route-declaration.ts';
import { isWalledOff } from '../tasks/choose-assignee.ts';
import type { Caller } from '../vault/call-gateway.ts';
import type { GatewayClient } from '../vault/gateway-client.ts';
import type { KeeperClient } from '../vault/keeper-client.ts';
import type { VaultView } from '../vault/vault-view.ts';
import { callModel, type ModelCall } from './call-model.ts';
import { callService } from './call-service.ts';
import { introspect } from './introspect.ts';
import { modelOfCall } from './model-of-call.ts';
import { routeModel } from './route-model.ts';
import { splice } from './splice.ts';
import { createTurnCalls } from './turn-calls.ts';
import { vaultRoutes } from './vault-routes.ts';

const REQUEST_BYTES = 512 * 1024;
/** What the gateway is told as trace when the agent is in no turn: a program that it left running. */
const NO_TURN = 'no-turn';
const EGRESS_TIMES = { idleMs: 5 * 60_000, lingerMs: 10_000 };

export interface MeshParts {
  config: FleetConfig;
  lanes: Lanes;
  events: EventLog;
  gateway: GatewayClient;
  keeper: KeeperClient;
  vault: VaultView;
  warnings: BudgetWarnings;
  clock: Clock;
  /** Why a request of a tool that is set to `ask` may not be made; null where it may, or an approval was spent on it. */
  approval: (
    agent: AgentSettings,
    tool: RouteTool,
    asked: { path: string; body: unknown },
  ) => Promise<Refusal | null>;
  /** Of other parts of the host. */
  moreRoutes: readonly MeshRoute[];
  warn: (message: string) => void;
}

export interface MeshRoute extends RouteDeclaration {
  /** How many of these one agent may have open. */
  atATime?: number;
  /** Null where it is the effect of no tool. */
  tool: RouteTool | null;
  /** What its JSON body is held to before anything is decided on it; absent: `run` reads what it takes. */
  schema?: z.ZodType;
  maxBytes?: number;
  /** Resolves with the JSON to answer, or with undefined when it has answered itself. */
  run(agent: AgentSettings, request: MeshRequest, body: unknown): Promise<unknown>;
}

/** Of which tool a route is the effect: where that is set to `ask`, no request gets through without an approval. */
export interface RouteTool<Body = unknown> {
  /** Of several, one that is allowed is enough. */
  names: readonly string[];
  /** What its arguments are, where the body is more than they. */
  arguments?: z.ZodType;
  /** Whether these arguments of the tool, as a person approved them, are this request; absent: they are its body, but for `idempotencyKey`. */
  covers?(given: Readonly<Record<string, unknown>>, asked: { path: string; body: Body }): boolean;
  /** A call of the tool is many requests: one approval is good for all of them in its turn. */
  wholeTurn?: true;
}

/** One whose `run` is given a body of `schema`. */
export function jsonRoute<S extends z.ZodType>(
  route: Omit<MeshRoute, 'tool' | 'schema' | 'run'> & {
    tool: RouteTool<z.output<S>> | null;
    schema: S;
    maxBytes: number;
    run(agent: AgentSettings, request: MeshRequest, body: z.output<S>): Promise<unknown>;
  },
): MeshRoute {
  return route;
}

/** Everything that an agent can ask for. What is not in this table does not exist for it. */
export function meshRoutes(parts: MeshParts): readonly MeshRoute[] {
  const { config, lanes, events, gateway, keeper, vault, clock } = parts;
  const countCall = createTurnCalls(config);
  const callerOf = (name: string): Caller => ({
    agent: name,
    traceId: lanes.running(name)?.traceId ?? NO_TURN,
  });

  /** Before the end of the answer is sent, so that what a turn cost is noted before the turn can end. */
  function noteCall(
    agent: AgentSettings,
    running: Message | null,
    model: string,
    called: ModelCall,
    durationMs: number,
  ): void {
    const about = { agent: agent.name, messageId: running?.id ?? '', traceId: running?.traceId ?? '' };
    if (called.failure)
      events.publish({ ...about, event: { type: 'model_failed', model, ...called.failure, durationMs } });
    if (!called.charge) return;
    if (running) lanes.charge(agent.name, { model, ...called.charge, durationMs }, running);
    if (called.charge.chargedMicroUsd > 0) parts.warnings.afterCall(about);
  }

  return [
    {
      method: 'POST',
      path: '/llm/{rest}',
      zone: 1,
      permission: 'allowed_apis: llm',
      tool: null,
      atATime: 16,
      async run(agent, request) {
        const running = lanes.running(agent.name);
        countCall(agent.name, running?.id ?? '');
        const model = modelOfCall(agent, request);
        const caller = { ...callerOf(agent.name), allowedTools: agent.permissions.allowed_tools };
        const startedAt = clock.now();
        const called = await callModel(request, caller, gateway);
        if (called) noteCall(agent, running, model(), called, clock.now() - startedAt);
        if (called?.cut !== undefined) throw called.cut;
        request.stream.end();
        return undefined;
      },
    },
    {
      method: 'any',
      path: '/services/{rest}',
      zone: 1,
      permission: 'allowed_credentials',
      tool: null,
      atATime: 16,
      run: ({ name }, request) => callService(request, callerOf(name), gateway),
    },
    {
      method: 'CONNECT',
      path: 'egress',
      zone: 1,
      permission: 'allowed_domains',
      tool: null,
      // Of the 64 streams that a pipe can have at a time; the others stay for the mesh itself.
      atATime: 48,
      async run({ name }, { stream }) {
        await splice(stream, await gateway.connect(callerOf(name)), EGRESS_TIMES);
        return undefined;
      },
    },
    ...vaultRoutes(keeper),
    ...parts.moreRoutes,
    jsonRoute({
      method: 'POST',
      path: '/mesh/route',
      zone: 1,
      permission: 'allowed_apis: llm',
      tool: null,
      schema: RouteRequest,
      maxBytes: REQUEST_BYTES,
      async run(agent, _, request) {
        return routeModel(agent, request, await vault.providers(), await vault.modelHealth(), clock.now());
      },
    }),
    {
      method: 'GET',
      path: '/mesh/models',
      zone: 1,
      permission: 'self',
      tool: null,
      run: async ({ models }) =>
        modelsOfAgent(
          { models: callableModels(models, config.mesh.llm.embedding_model) },
          await vault.providers(),
        ),
    },
    {
      method: 'GET',
      path: '/mesh/agents',
      zone: 1,
      permission: 'self',
      tool: { names: ['list_agents'], covers: () => true },
      async run(agent): Promise<AgentList> {
        const seen = [...config.agents.values()].filter(
          (other) =>
            other.name !== agent.name &&
            !isWalledOff(agent, other) &&
            decidePermission(agent, 'can_message', other.name).allowed,
        );
        return { agents: seen.map(({ name, role, capabilities }) => ({ name, role, capabilities })) };
      },
    },
    {
      method: 'GET',
      path: '/mesh/introspect',
      zone: 1,
      permission: 'self',
      tool: { names: ['introspect'], covers: () => true },
      run: async (agent) => introspect(agent, await keeper.costs()),
    },
  ];
}
