import { SteerRequest, WorkspacePath } from '@openlegion/contract/agent-api';
import {
  type ConfigReloaded,
  SendMessage,
  type VerifyReport,
  VerifyRequest,
} from '@openlegion/contract/control-api';
import type { ControlCaller, Role } from '@openlegion/contract/control-caller';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import type { AuditEntry, AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { EventLog } from '../delivery/event-log.ts';
import { subscribe } from '../delivery/subscribe.ts';
import type { AgentLifecycle } from '../fleet/agent-lifecycle.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Lanes } from '../lanes/lanes.ts';
import { messageView } from '../lanes/message.ts';
import { parseJsonBody } from '../mesh/read-json-body.ts';
import { modelsView } from '../models/models-view.ts';
import type { RouteDeclaration } from '../router/route-declaration.ts';
import type { Router } from '../router/router.ts';
import type { KeeperClient } from '../vault/keeper-client.ts';
import type { VaultView } from '../vault/vault-view.ts';
import { auditPage } from './audit-page.ts';
import { pulledStream } from './pulled-stream.ts';
import { relay, relayBytes } from './relay.ts';
import { get, granted, NoQuery, post, queryOf, route } from './route.ts';
import type { Steering } from './steering.ts';

const WORKSPACE_FILE_BYTES = 32 * 1024 * 1024;

export interface ControlParts {
  router: Router;
  lanes: Lanes;
  fleet: Fleet;
  audit: AuditLog;
  events: EventLog;
  keeper: KeeperClient;
  vault: VaultView;
  clock: Clock;
  steering: Steering;
  reload: (by: string) => Promise<ConfigReloaded>;
  status: () => Promise<unknown>;
  verify: (request: VerifyRequest) => Promise<VerifyReport>;
  /** Aborts when the host stops: open event streams end. */
  stopping: AbortSignal;
}

export interface ControlRequest {
  caller: ControlCaller;
  parameter(name: string): string;
  query(name: string): string | undefined;
  body(maxBytes?: number): Promise<Buffer>;
  signal: AbortSignal;
}

export interface ControlRoute extends RouteDeclaration {
  permission: Role;
  run(request: ControlRequest): Promise<Response>;
}

const Cursor = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const Limit = z.coerce.number().int().min(1).max(1000).default(100);
const EventsQuery = z.strictObject({
  ...{ message: z.string().optional(), agent: z.string().optional(), after: Cursor.optional() },
});
const AuditQuery = z.strictObject({
  ...{ chain: z.enum(['host', 'keeper']).default('host'), after: Cursor.default(0), limit: Limit },
  ...{ type: z.string().optional(), agent: z.string().optional() },
});

/** Everything that people can ask for, each with the least role that may. */
export function controlRoutes(parts: ControlParts): readonly ControlRoute[] {
  const { router, lanes, audit, events, keeper, vault, steering } = parts;

  function agentOf(request: ControlRequest): { name: string; agent: AgentLifecycle } {
    const name = request.parameter('name');
    const agent = parts.fleet.get(name);
    if (!agent)
      throw notFound(
        `There is no agent named ${JSON.stringify(name.slice(0, 63))}.`,
        'See "./openlegion status" for the names.',
      );
    return { name, agent };
  }

  /** Written before its effect. */
  async function record(
    { caller }: ControlRequest,
    type: string,
    subject: string,
    more: Pick<AuditEntry, 'traceId' | 'detail'> = {},
  ): Promise<void> {
    const by = { actor: caller.name, rule: `role.${caller.role}`, decision: 'allowed' } as const;
    await audit.record({ type, subject, ...by, ...more });
  }

  async function routed(request: ControlRequest, message: SendMessage) {
    return granted(await router.fromOperator(request.parameter('name'), message, request.caller.name));
  }

  return [
    get('/api/status', NoQuery, parts.status),
    post(
      ...(['/api/agents/{name}/messages', 'operator', SendMessage] as const),
      async (sent, request) => {
        const { message, ahead } = await routed(request, sent);
        if (message.mode === 'steer') await steering.offer(message);
        return { messageId: message.id, traceId: message.traceId, ahead };
      },
      202,
    ),
    get('/api/messages/{id}', NoQuery, (_, { parameter }) => messageView(messageNamed(parameter('id')))),
    route('GET', '/api/events', 'viewer', async (request) => {
      const { message, ...query } = queryOf(request, EventsQuery);
      const traceId = message === undefined ? undefined : messageNamed(message).traceId;
      return pulledStream({
        ...{ contentType: 'text/event-stream', heartbeat: ': alive\n\n' },
        items: (signal) => subscribe(events, { ...query, traceId }, signal),
        textOf: (page) =>
          page.map((event) => `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`).join(''),
        signal: AbortSignal.any([request.signal, parts.stopping]),
      });
    }),
    route('POST', '/api/agents/{name}/steer', 'operator', async (request) => {
      agentOf(request);
      const { text } = parseJsonBody(await request.body(), SteerRequest);
      const { message } = await routed(request, SendMessage.parse({ text, mode: 'steer' }));
      const steered = await steering.offer(message);
      return Response.json({ steered, messageId: message.id }, { status: 202 });
    }),
    route('POST', '/api/agents/{name}/cancel', 'operator', async (request) => {
      const { name, agent } = agentOf(request);
      const traceId = lanes.running(name)?.traceId ?? '';
      await record(request, 'turn.cancel', name, { traceId });
      return Response.json({ cancelled: await agent.cancel() }, { status: 202 });
    }),
    route('POST', '/api/agents/{name}/reset', 'operator', async (request) => {
      const { name, agent } = agentOf(request);
      await record(request, 'agent.reset', name);
      return relay(await agent.request({ method: 'POST', path: '/chat/reset' }), [204]);
    }),
    route('GET', '/api/agents/{name}/history', 'viewer', async (request) => {
      const path = `/history?limit=${queryOf(request, z.strictObject({ limit: Limit })).limit}`;
      const asked = { method: 'GET', path, maxBodyBytes: 8 * 1024 * 1024 } as const;
      return relay(await agentOf(request).agent.request(asked), [200]);
    }),
    route('GET', '/api/agents/{name}/workspace', 'viewer', async (request) =>
      relay(await agentOf(request).agent.request({ method: 'GET', path: '/workspace' }), [200]),
    ),
    route('GET', '/api/agents/{name}/workspace/{rest}', 'viewer', async (request) => {
      const path = workspacePath(request.parameter('rest'));
      const bytes = { maxBodyBytes: WORKSPACE_FILE_BYTES, artifact: true };
      return relayBytes(await agentOf(request).agent.request({ method: 'GET', path, ...bytes }));
    }),
    route('PUT', '/api/agents/{name}/workspace/{rest}', 'operator', async (request) => {
      const { name, agent } = agentOf(request);
      const path = workspacePath(request.parameter('rest'));
      const body = await request.body(WORKSPACE_FILE_BYTES);
      await record(request, 'workspace.written', name, { detail: { bytes: body.length } });
      return relay(await agent.request({ method: 'PUT', path, body, headersTimeoutMs: 60_000 }), [204]);
    }),
    get('/api/costs', NoQuery, () => keeper.costs()),
    get('/api/audit', AuditQuery, ({ chain, ...query }) =>
      auditPage(
        async (after, limit) =>
          chain === 'host' ? audit.read(after, limit) : (await keeper.audit(after, limit)).records,
        query,
      ),
    ),
    get('/api/models', NoQuery, async () => {
      const [providers, health] = await Promise.all([vault.providers(), vault.modelHealth()]);
      return modelsView(providers, health, parts.clock.now());
    }),
    get('/api/credentials', NoQuery, () => keeper.names()),
    route('POST', '/api/config/reload', 'admin', async ({ caller }) =>
      Response.json(await parts.reload(caller.name)),
    ),
    post('/api/verify', 'admin', VerifyRequest, async (asked, request) => {
      await record(request, 'verify.started', 'installation');
      return parts.verify(asked);
    }),
  ];

  function messageNamed(id: string) {
    const message = lanes.find(id);
    if (!message)
      throw notFound('There is no such message.', 'Use the messageId that the answer to sending it gave.');
    return message;
  }
}

function workspacePath(path: string): string {
  if (!WorkspacePath.safeParse(path).success) {
    throw new OpenLegionError({
      code: 'bad_request',
      rule: 'control.workspace_path',
      message: 'This is not the path of a workspace file.',
      remedy: 'Use a relative path of plain names, such as notes/today.md.',
    });
  }
  return `/workspace/${path.split('/').map(encodeURIComponent).join('/')}`;
}

function notFound(message: string, remedy: string): OpenLegionError {
  return new OpenLegionError({ code: 'not_found', rule: 'control.not_found', message, remedy });
}
