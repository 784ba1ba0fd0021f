import { z } from 'zod';
import { AgentName } from './agent-name.ts';
import { AuditRecord } from './audit-record.ts';
import { CatalogProvider } from './catalog.ts';
import { ApprovalEvent } from './control-approvals.ts';
import { CoordinationAttention } from './control-coordination.ts';
import { EnforcementStatement } from './control-permissions.ts';
import { BudgetWarning } from './costs.ts';
import { MicroUsd } from './money.ts';
import { Refusal } from './refusal.ts';
import { TurnEvent } from './turn-event.ts';
import { WorkflowEvent } from './workflow-run.ts';

/**
 * The control API, `http://127.0.0.1:8420/api`, for the CLI and the dashboard. Every request carries
 * `Authorization: Bearer` and the token of `data/control.token`; the Host header must name loopback, and a request
 * with a foreign Origin is refused.
 *
 * | method and path                          | body            | answer                                        |
 * |------------------------------------------|-----------------|-----------------------------------------------|
 * | GET  /api/status                         |                 | FleetStatus                                   |
 * | POST /api/agents/{name}/messages         | SendMessage     | 202 MessageAccepted, once it is on disk       |
 * | GET  /api/messages/{id}                  |                 | MessageView                                   |
 * | GET  /api/events?message=&agent=&after=  |                 | text/event-stream of FleetEvent, id = seq     |
 * | POST /api/agents/{name}/steer            | { text }        | 202 { steered: boolean, messageId }           |
 * | POST /api/agents/{name}/cancel           |                 | 202 { cancelled: boolean }                    |
 * | POST /api/agents/{name}/reset            |                 | 204                                           |
 * | GET  /api/agents/{name}/history          |                 | HistoryPage                                   |
 * | GET  /api/agents/{name}/workspace[/file] |                 | WorkspaceListing, or bytes                    |
 * | PUT  /api/agents/{name}/workspace/{file} | bytes           | 204                                           |
 * | GET  /api/costs                          |                 | Costs (of the keeper)                         |
 * | GET  /api/audit?after=&limit=&chain=     |                 | AuditPage; also `type=` (a prefix), `agent=`  |
 * | GET  /api/models                         |                 | ModelsView                                    |
 * | GET  /api/credentials                    |                 | { credentials: CredentialName[] } of the keeper |
 * | POST /api/config/reload                  |                 | ConfigReloaded; a bad file changes nothing    |
 * | POST /api/verify                         | VerifyRequest   | VerifyReport                                  |
 *
 * With `message`, the event stream is that of the message's whole trace (hand-offs included) and ends after
 * `trace_settled`.
 */
export const SendMessage = z.strictObject({
  text: z
    .string()
    .min(1)
    .max(256 * 1024),
  mode: z.enum(['followup', 'steer', 'collect']).default('followup'),
  idempotencyKey: z.string().min(1).max(200).optional(),
});
export type SendMessage = z.infer<typeof SendMessage>;

export const MessageAccepted = z.object({
  messageId: z.string(),
  traceId: z.string(),
  ahead: z.int().nonnegative(),
});
export type MessageAccepted = z.infer<typeof MessageAccepted>;

export const MessageStatus = z.enum(['queued', 'running', 'done', 'failed', 'cancelled']);
export type MessageStatus = z.infer<typeof MessageStatus>;

export const MessageView = z.object({
  messageId: z.string(),
  traceId: z.string(),
  agent: AgentName,
  from: z.string(),
  status: MessageStatus,
  text: z.string(),
  reply: z.string().nullable(),
  refusal: Refusal.nullable(),
  chargedMicroUsd: MicroUsd,
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
});
export type MessageView = z.infer<typeof MessageView>;

/** What only the host can say; what an agent claims comes as `turn`. */
export const HostEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('message_accepted'), from: z.string(), text: z.string() }),
  z.object({ type: z.literal('agent_starting'), reason: z.string() }),
  z.object({ type: z.literal('agent_ready'), containerId: z.string(), startMs: z.number() }),
  z.object({ type: z.literal('agent_stopped'), reason: z.string() }),
  z.object({
    type: z.literal('model_charged'),
    model: z.string(),
    chargedMicroUsd: MicroUsd,
    inputTokens: z.int(),
    outputTokens: z.int(),
    durationMs: z.number().nonnegative().optional(),
  }),
  /** One attempt at a model that gave no answer, or not all of it. */
  z.object({
    type: z.literal('model_failed'),
    model: z.string(),
    httpStatus: z.int(),
    reason: z.string(),
    durationMs: z.number().nonnegative().optional(),
  }),
  /** 80 % of a limit are spent. */
  z.object({
    type: z.literal('budget_warning'),
    scope: z.string(),
    period: z.string(),
    spentMicroUsd: MicroUsd,
    limitMicroUsd: MicroUsd,
  }),
  z.object({ type: z.literal('refused'), refusal: Refusal }),
  /** `to`: an agent, or `workflow:…`. */
  z.object({ type: z.literal('handoff'), to: z.string(), taskId: z.string() }),
  /** The end of a task, for the person whose question led to it. */
  z.object({
    type: z.literal('task_returned'),
    taskId: z.string(),
    from: AgentName,
    status: z.string(),
    text: z.string(),
  }),
  /** A task that somebody should look at. */
  z.object({
    type: z.literal('task_attention'),
    taskId: z.string(),
    assignee: AgentName,
    reason: z.enum(['blocked', 'stale', 'undeliverable']),
    forMs: z.int(),
    note: z.string(),
  }),
  /** An agent's words for whoever looks after the fleet. */
  z.object({ type: z.literal('notification'), text: z.string(), urgent: z.boolean() }),
  z.object({
    type: z.literal('message_settled'),
    status: MessageStatus,
    reply: z.string().nullable(),
    refusal: Refusal.nullable(),
    chargedMicroUsd: MicroUsd,
  }),
  z.object({ type: z.literal('trace_settled') }),
]);
export type HostEvent = z.infer<typeof HostEvent>;

export const FleetEvent = z.object({
  seq: z.int(),
  at: z.string(),
  agent: z.string(),
  messageId: z.string(),
  traceId: z.string(),
  event: z.union([
    HostEvent,
    WorkflowEvent,
    ApprovalEvent,
    z.object({ type: z.literal('turn'), turn: TurnEvent }),
  ]),
});
export type FleetEvent = z.infer<typeof FleetEvent>;

export const AgentState = z.enum(['stopped', 'starting', 'idle', 'busy', 'failing', 'failed']);

export const FleetStatus = z.object({
  version: z.string(),
  pid: z.int(),
  startedAt: z.string(),
  engine: z.object({
    name: z.string(),
    version: z.string(),
    runtime: z.string(),
    cannotEnforce: z.array(z.string()),
    /** Why no agent can run yet, with the remedy; null when they can. */
    reason: z.string().nullable().default(null),
  }),
  vault: z.object({ keeper: z.boolean(), gateway: z.boolean() }),
  /** Limits of the current day and month of which 80 % are spent. */
  warnings: z.array(BudgetWarning).default([]),
  /** Models that are not called for a while, since the gateway saw them fail. */
  cooling: z.array(z.object({ model: z.string(), lastStatus: z.int(), until: z.string() })).default([]),
  attention: CoordinationAttention.default({ tasks: [], deadLetters: 0 }),
  agents: z.array(
    z.object({
      name: AgentName,
      role: z.string(),
      model: z.string(),
      state: AgentState,
      containerId: z.string().nullable(),
      queued: z.int(),
      memoryBytes: z.int().nullable(),
      restarts: z.int(),
      spentTodayMicroUsd: MicroUsd,
      dailyMicroUsd: MicroUsd,
      reason: z.string().nullable(),
    }),
  ),
});
export type FleetStatus = z.infer<typeof FleetStatus>;

/** Oldest first. `next` is the `after` that continues, also where a filter left nothing. */
export const AuditPage = z.object({ records: z.array(AuditRecord), next: z.int() });
export type AuditPage = z.infer<typeof AuditPage>;

/** `canaryPrefix`: what every canary the keeper made starts with; the search is for the prefix and 16 letters or digits more. */
export const VerifyRequest = z.strictObject({
  canaryPrefix: z
    .string()
    .regex(/^[A-Za-z0-9]{12,40}$/)
    .nullable(),
});
export type VerifyRequest = z.infer<typeof VerifyRequest>;

export const Guarantee = z.object({
  /** Stable: `network.no-interface`. */
  id: z.string(),
  area: z.enum(['escape', 'network', 'credentials', 'host', 'budget', 'limits', 'audit']),
  promise: z.string(),
  verdict: z.enum(['holds', 'broken', 'cannot_be_given']),
  /** What was seen, in a form a reviewer can check. */
  evidence: z.string(),
  /** For `cannot_be_given` and `broken`: why, and what would change it. */
  why: z.string(),
});
export type Guarantee = z.infer<typeof Guarantee>;

/** `enforcement` is what is built, not a verdict. */
export const VerifyReport = z.object({
  guarantees: z.array(Guarantee),
  enforcement: EnforcementStatement,
});
export type VerifyReport = z.infer<typeof VerifyReport>;

/** What the gateway saw of a model. */
export const ModelHealth = z.object({
  model: z.string(),
  ok: z.boolean(),
  lastStatus: z.int(),
  lastErrorAt: z.string().nullable(),
  coolingUntil: z.string().nullable(),
});

/** What the gateway knows of every model: catalog, the operator's own, and the health it observed. */
export const ModelsView = z.object({
  providers: z.array(CatalogProvider),
  health: z.array(ModelHealth),
});
export type ModelsView = z.infer<typeof ModelsView>;

/** `restarted`: agents whose container was replaced, since what changed of them is fixed at its start. */
export const ConfigReloaded = z.object({ changed: z.array(z.string()), restarted: z.array(AgentName) });
export type ConfigReloaded = z.infer<typeof ConfigReloaded>;
