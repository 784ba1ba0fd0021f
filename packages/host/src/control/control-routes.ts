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
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { EventLog } from '../delivery/event-log.ts';
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
import { eventStream } from './event-stream.ts';
import { relay, relayBytes } from './relay.ts';
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
const Limit = z.coerce.number().int().min(1).max(1000);

/** Everything that people can ask for, each with the least role that may. */
export function controlRoutes(parts: ControlParts): readonly ControlRoute[] {
  const { router, lanes, audit, events, keeper, vault, steering } = parts;
  const route = (
    method: RouteDeclaration['method'],
    path: string,
    permission: Role,
    run: ControlRoute['run'],
  ): ControlRoute => ({ method, path, zone: 2.5, permission, run });

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

  return [
    route('GET', '/api/status', 'viewer', async () => Response.json(await parts.status())),

    route('POST', '/api/agents/{name}/messages', 'operator', async (request) => {
      const sent = parseJsonBody(await request.body(), SendMessage);
      const routed = await router.fromOperator(request.parameter('name'), sent, request.caller.name);
      if (!routed.ok) throw new OpenLegionError(routed.refusal);
      const { message, ahead } = routed.value;
      if (message.mode === 'steer') await steering.offer(message);
      return Response.json({ messageId: message.id, traceId: message.traceId, ahead }, { status: 202 });
    }),

    route('GET', '/api/messages/{id}', 'viewer', async (request) =>
      Response.json(messageView(messageNamed(request.parameter('id')))),
    ),

    route('GET', '/api/events', 'viewer', async (request) => {
      const message = request.query('message');
      const agent = request.query('agent');
      const after = request.query('after');
      const subscription = {
        ...(message === undefined ? {} : { traceId: messageNamed(message).traceId }),
        ...(agent === undefined ? {} : { agent }),
        ...(after === undefined ? {} : { after: inQuery('after', Cursor, after) }),
      };
      const signal = AbortSignal.any([request.signal, parts.stopping]);
      return new Response(eventStream(events, subscription, signal), {
        headers: { 'content-type': 'text/event-stream' },
      });
    }),

    route('POST', '/api/agents/{name}/steer', 'operator', async (request) => {
      agentOf(request);
      const { text } = parseJsonBody(await request.body(), SteerRequest);
      const routed = await router.fromOperator(
        request.parameter('name'),
        SendMessage.parse({ text, mode: 'steer' }),
        request.caller.name,
      );
      if (!routed.ok) throw new OpenLegionError(routed.refusal);
      const steered = await steering.offer(routed.value.message);
      return Response.json({ steered, messageId: routed.value.message.id }, { status: 202 });
    }),

    route('POST', '/api/agents/{name}/cancel', 'operator', async (request) => {
      const { name, agent } = agentOf(request);
      const traceId = lanes.running(name)?.traceId ?? '';
      await audit.record({
        type: 'turn.cancel',
        actor: request.caller.name,
        subject: name,
        decision: 'allowed',
        rule: `role.${request.caller.role}`,
        traceId,
      });
      return Response.json({ cancelled: await agent.cancel() }, { status: 202 });
    }),

    route('POST', '/api/agents/{name}/reset', 'operator', async (request) => {
      const { name, agent } = agentOf(request);
      await audit.record({
        type: 'agent.reset',
        actor: request.caller.name,
        subject: name,
        decision: 'allowed',
        rule: `role.${request.caller.role}`,
      });
      const answer = await agent.request({ method: 'POST', path: '/chat/reset' });
      return relay(answer, [204]);
    }),

    route('GET', '/api/agents/{name}/history', 'viewer', async (request) => {
      const limit = inQuery('limit', Limit, request.query('limit') ?? '100');
      return relay(
        await agentOf(request).agent.request({
          method: 'GET',
          path: `/history?limit=${limit}`,
          maxBodyBytes: 8 * 1024 * 1024,
        }),
        [200],
      );
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
      await audit.record({
        type: 'workspace.written',
        actor: request.caller.name,
        subject: name,
        decision: 'allowed',
        rule: `role.${request.caller.role}`,
        detail: { bytes: body.length },
      });
      return relay(await agent.request({ method: 'PUT', path, body, headersTimeoutMs: 60_000 }), [204]);
    }),

    route('GET', '/api/costs', 'viewer', async () => Response.json(await keeper.costs())),

    route('GET', '/api/audit', 'viewer', async (request) => {
      const chain = inQuery('chain', z.enum(['host', 'keeper']), request.query('chain') ?? 'host');
      const read =
        chain === 'host'
          ? async (after: number, limit: number) => audit.read(after, limit)
          : async (after: number, limit: number) => (await keeper.audit(after, limit)).records;
      return Response.json(
        await auditPage(read, {
          after: inQuery('after', Cursor, request.query('after') ?? '0'),
          limit: inQuery('limit', Limit, request.query('limit') ?? '100'),
          type: request.query('type'),
          agent: request.query('agent'),
        }),
      );
    }),

    route('GET', '/api/models', 'viewer', async () => {
      const [providers, health] = await Promise.all([vault.providers(), vault.modelHealth()]);
      return Response.json(modelsView(providers, health, parts.clock.now()));
    }),

    route('GET', '/api/credentials', 'viewer', async () => Response.json(await keeper.names())),

    route('POST', '/api/config/reload', 'admin', async ({ caller }) =>
      Response.json(await parts.reload(caller.name)),
    ),

    route('POST', '/api/verify', 'admin', async (request) => {
      const asked = parseJsonBody(await request.body(), VerifyRequest);
      await audit.record({
        type: 'verify.started',
        actor: request.caller.name,
        subject: 'installation',
        decision: 'allowed',
        rule: `role.${request.caller.role}`,
      });
      return Response.json(await parts.verify(asked));
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

function inQuery<S extends z.ZodType>(name: string, schema: S, value: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new OpenLegionError({
    code: 'bad_request',
    rule: 'control.query',
    message: `The query's "${name}" is not as it should be.`,
    remedy: parsed.error.issues[0]?.message ?? 'Correct it.',
  });
}

function notFound(message: string, remedy: string): OpenLegionError {
  return new OpenLegionError({ code: 'not_found', rule: 'control.not_found', message, remedy });
}
