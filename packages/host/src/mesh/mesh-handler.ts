import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Refusal } from '@openlegion/contract/refusal';
import type { AuditLog } from '../audit/audit-log.ts';
import type { AgentSettings } from '../config/fleet-config.ts';
import { answerRefusal, refusalOf } from '../pipe/answer-refusal.ts';
import type { MeshHandler, MeshRequest } from '../pipe/pipe.ts';
import { decidePermission } from '../router/decide-permission.ts';
import { SERVICE_METHODS } from './call-service.ts';
import { drainRequest } from './drain-request.ts';
import { type MeshParts, type MeshRoute, meshRoutes } from './mesh-routes.ts';
import { createRateLimit, MESH_RATE } from './rate-limit.ts';
import { readJsonBody } from './read-json-body.ts';

/**
 * Answers what agents ask on their pipes. Who asks is the pipe: the handler is made for one agent, and nothing in a
 * request is read as an identity. Everything is refused that is over the rate, not in the table, not granted, or that
 * a tool does which is set to `ask` and for which no person approved this request.
 */
export interface Mesh {
  /** `settings` of the agent now; null when it no longer is in the configuration, and so granted nothing. */
  handlerFor(settings: () => AgentSettings | null): MeshHandler;
  /** And questions that wait for a person. */
  modelCallsInFlight(agent: string): number;
  routes: readonly MeshRoute[];
}

export function createMesh(parts: MeshParts & { audit: AuditLog }): Mesh {
  const routes = meshRoutes(parts);
  /** By agent and route. */
  const inFlight = new Map<string, number>();

  function handlerFor(settings: () => AgentSettings | null): MeshHandler {
    const withinRate = createRateLimit(MESH_RATE, () => parts.clock.now());
    return async (request) => {
      const agent = settings();
      if (!agent) return refuse(request, NO_LONGER);
      try {
        if (!withinRate()) return refuse(request, TOO_FAST);
        const route = routes.find((candidate) => matches(candidate, request));
        if (!route) return refuse(request, NO_ROUTE);
        const denied = await denial(agent, route);
        if (denied) return refuse(request, denied);
        if (route.method === 'GET') drainRequest(request.stream);
        const answer = await counted(agent.name, route, () => run(settings, route, request));
        if (answer !== undefined) answerJson(request, answer);
      } catch (error) {
        const refusal = refusalOf(error);
        const expected =
          error instanceof OpenLegionError || request.stream.destroyed || request.stream.closed;
        if (!expected) parts.warn(`${agent.name}: ${request.method} failed: ${String(error)}`);
        refuse(request, refusal);
      }
    };
  }

  /** A granted model call is decided, and recorded, once more by the keeper; a denied one goes no further than here. */
  async function denial(agent: AgentSettings, { permission }: MeshRoute): Promise<Refusal | null> {
    if (!permission.startsWith('allowed_apis: ')) return null;
    const api = permission.slice('allowed_apis: '.length);
    const decision = decidePermission(agent, 'allowed_apis', api);
    if (!decision.allowed) await recordDenied(agent, api, decision.refusal);
    return decision.allowed ? null : decision.refusal;
  }

  async function recordDenied(agent: AgentSettings, subject: string, refusal: Refusal): Promise<void> {
    const running = parts.lanes.running(agent.name);
    const traceId = running?.traceId ?? '';
    const denied = { type: 'permission.denied', decision: 'denied', rule: refusal.rule, traceId } as const;
    await parts.audit.record({ ...denied, actor: agent.name, subject });
    if (!running) return;
    const about = { agent: agent.name, messageId: running.id, traceId };
    await parts.events.record({ ...about, event: { type: 'refused', refusal } });
  }

  async function run(
    settings: () => AgentSettings | null,
    route: MeshRoute,
    request: MeshRequest,
  ): Promise<unknown> {
    const { tool, schema, maxBytes } = route;
    const body = schema && (await readJsonBody(request.stream, schema, maxBytes));
    // A body takes as long as the agent likes: what was withdrawn meanwhile is not granted.
    const agent = settings();
    const denied = agent ? schema && (await denial(agent, route)) : NO_LONGER;
    if (denied || !agent) throw new OpenLegionError(denied ?? NO_LONGER);
    const refusal = tool && (await parts.approval(agent, tool, { path: request.path, body }));
    if (!refusal) return route.run(agent, request, body);
    await recordDenied(agent, `${route.method} ${route.path}`, refusal);
    throw new OpenLegionError(refusal);
  }

  async function counted(agent: string, route: MeshRoute, run: () => Promise<unknown>): Promise<unknown> {
    if (route.atATime === undefined) return run();
    const key = keyOf(agent, route.path);
    const open = inFlight.get(key) ?? 0;
    if (open >= route.atATime) throw tooMany(route.path, route.atATime);
    inFlight.set(key, open + 1);
    try {
      return await run();
    } finally {
      const left = (inFlight.get(key) ?? 1) - 1;
      if (left === 0) inFlight.delete(key);
      else inFlight.set(key, left);
    }
  }

  return {
    routes,
    handlerFor,
    // An agent that waits for a person does not stand still either.
    modelCallsInFlight: (agent) =>
      (inFlight.get(keyOf(agent, '/llm/{rest}')) ?? 0) + (inFlight.get(keyOf(agent, '/mesh/approvals')) ?? 0),
  };
}

function matches(route: MeshRoute, { method, path }: MeshRequest): boolean {
  if (route.method === 'any' ? !SERVICE_METHODS.includes(method) : route.method !== method) return false;
  return route.path.endsWith('{rest}')
    ? path.startsWith(route.path.slice(0, -'{rest}'.length))
    : path === route.path;
}

function refuse({ stream }: MeshRequest, refusal: Refusal): void {
  if (!stream.headersSent) drainRequest(stream);
  answerRefusal(stream, refusal);
}

function answerJson({ stream }: MeshRequest, answer: unknown): void {
  if (stream.destroyed || stream.closed) return;
  stream.respond({ ':status': 200, 'content-type': 'application/json' });
  stream.end(JSON.stringify(answer));
}

const NO_LONGER: Refusal = {
  code: 'denied',
  rule: 'agents',
  message: 'This agent is no longer in the configuration.',
  remedy: 'An operator can add it to config/agents.yaml again.',
};

const NO_ROUTE: Refusal = {
  code: 'not_found',
  rule: 'mesh.route',
  message: 'The mesh has no such method and path.',
  remedy: 'See docs for what an agent can ask of the mesh.',
};

const TOO_FAST: Refusal = {
  code: 'rate_limited',
  rule: 'mesh.rate',
  message: `More than ${MESH_RATE.perSecond} requests a second.`,
  remedy: 'Ask more slowly.',
};

function keyOf(agent: string, path: string): string {
  return `${agent} ${path}`;
}

function tooMany(path: string, atATime: number): OpenLegionError {
  return new OpenLegionError({
    code: 'rate_limited',
    rule: 'mesh.concurrent',
    message: `More than ${atATime} of ${path} at a time.`,
    remedy: 'Wait for one to end.',
  });
}
