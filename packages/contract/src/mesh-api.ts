import { z } from 'zod';
import { AgentName } from './agent-name.ts';
import { Dialect } from './catalog.ts';
import { ModelName } from './model-name.ts';
import { MicroUsd } from './money.ts';

/**
 * What an agent asks of the mesh: the inner HTTP/2 session of the pipe, agent as client. Who asks is the pipe
 * itself; nothing in a request can claim another identity.
 *
 * | method and path         | body           | answer        | permission                      |
 * |-------------------------|----------------|---------------|---------------------------------|
 * | POST /llm/{provider}/…  | dialect's own  | dialect's own | allowed_apis: llm, and budget   |
 * | POST /mesh/route        | RouteRequest   | Route         | allowed_apis: llm               |
 * | POST /mesh/handoff      | HandoffRequest | HandoffAnswer | can_message                     |
 * | GET  /mesh/agents       |                | AgentList     | sees those it can message       |
 * | GET  /mesh/introspect   |                | Introspection | itself only                     |
 * | GET  /mesh/models       |                | AgentModels   | those of its own chain          |
 * | GET  /mesh/vault        |                | VaultView     | those granted to it             |
 * | GET  /mesh/vault/key    |                | CaptureKey    | allowed_apis: vault             |
 * | POST /mesh/vault/generate | GenerateSecret | SecretHandle | allowed_apis: vault            |
 * | POST /mesh/vault/capture | CaptureSecret | SecretHandle  | allowed_apis: vault             |
 * | POST /mesh/notify       | Notify         | {}            | self, 20 an hour                |
 * | PUT  /mesh/artifacts/{rest} | bytes      | ArtifactSaved | blackboard_write of artifacts/… |
 * | GET  /mesh/artifacts/{rest} |            | bytes         | blackboard_read of artifacts/…  |
 * | GET  /mesh/history/{name} |               | HistoryPage  | can_message, allowed_apis: agent_history |
 * | POST /mesh/spawn        | SpawnAgent     | SpawnedAgent  | can_spawn                       |
 * | GET  /mesh/spawn        |                | SpawnedList   | self: those it spawned          |
 * | POST /mesh/approvals    | AskApproval    | ApprovalGiven | self: answered when a person did |
 * | POST /mesh/workflows    | ProposeWorkflow | WorkflowProposed | allowed_apis: workflow_propose |
 * | CONNECT egress          | proxy client's bytes | HTTP proxy | allowed_domains, credentials |
 * | any  /services/{name}/… | service's own  | service's own | allowed_credentials             |
 *
 * `CONNECT egress` is for one connection of one program in the container: the bytes of any HTTP proxy client, as
 * they come; the gateway is the proxy. At most 48 such connections at a time for one agent.
 *
 * Blackboard, topics and tasks have their routes in blackboard.ts, pubsub.ts and task.ts.
 *
 * A refusal is a `RefusalBody` with the status of its code.
 */
export const RouteRequest = z.strictObject({
  model: ModelName,
  failed: z.array(ModelName).max(20).default([]),
});
export type RouteRequest = z.infer<typeof RouteRequest>;

export const Route = z.object({
  model: ModelName,
  dialect: Dialect,
  contextTokens: z.int(),
  maxOutputTokens: z.int(),
  /** The most one image can cost in input tokens; a model without it takes no images. */
  imageTokens: z.int().positive().optional(),
});
export type Route = z.infer<typeof Route>;

/** Written by the model of an agent: data for the one who receives it, never an instruction with authority. */
export const HandoffRequest = z.strictObject({
  /** An agent's name, `capability:…`, or `workflow:…` for one whose trigger is `handoff`. */
  to: z.union([
    AgentName,
    z.string().regex(/^capability:[a-z][a-z0-9-]{0,62}$/),
    z.string().regex(/^workflow:[a-z][a-z0-9_-]{0,62}$/),
  ]),
  task: z
    .string()
    .min(1)
    .max(64 * 1024),
  /** Same key, same task: creation is idempotent. */
  idempotencyKey: z.string().min(1).max(200),
});
export type HandoffRequest = z.infer<typeof HandoffRequest>;
/** `to`: the agent that got it, or `workflow:…`; `taskId` is then the run's. */
export const HandoffAnswer = z.object({ taskId: z.string(), to: z.string() });
export type HandoffAnswer = z.infer<typeof HandoffAnswer>;

export const AgentList = z.object({
  agents: z.array(z.object({ name: AgentName, role: z.string(), capabilities: z.array(z.string()) })),
});
export type AgentList = z.infer<typeof AgentList>;

/** What may still be spent: the limit less what is spent and what is reserved for calls on their way. */
const Remaining = z.object({ remainingTodayMicroUsd: MicroUsd, remainingMonthMicroUsd: MicroUsd });

/** Limits per minute are null where there are none; `team` is null without a team that has a budget. */
export const Introspection = z.object({
  name: AgentName,
  permissions: z.record(z.string(), z.unknown()),
  budget: z.object({
    dailyMicroUsd: MicroUsd,
    monthlyMicroUsd: MicroUsd,
    spentTodayMicroUsd: MicroUsd,
    spentMonthMicroUsd: MicroUsd,
    ...Remaining.shape,
    requestsPerMinute: z.int().nullable(),
    tokensPerMinute: z.int().nullable(),
    team: Remaining.nullable(),
    fleet: Remaining,
  }),
});
export type Introspection = z.infer<typeof Introspection>;

/** The models of the agent's chain: its own first, then what it fails over to. */
export const AgentModels = z.object({
  models: z.array(
    z.object({
      model: ModelName,
      dialect: Dialect,
      contextTokens: z.int(),
      maxOutputTokens: z.int(),
      embedding: z.boolean(),
    }),
  ),
});
export type AgentModels = z.infer<typeof AgentModels>;

/** Names and places of the credentials granted to an agent; never a value. */
export const VaultView = z.object({
  credentials: z.array(
    z.object({
      name: z.string(),
      /** `$CRED{name}`. */
      handle: z.string(),
      hosts: z.array(z.string()),
      /** `GET /**`, one for each rule. */
      allows: z.array(z.string()),
      environment: z.array(z.string()),
      version: z.int(),
      createdAt: z.string(),
      lastUsedAt: z.string().nullable(),
      own: z.boolean(),
    }),
  ),
});
export type VaultView = z.infer<typeof VaultView>;

const SecretName = z.string().regex(/^[a-z][a-z0-9_]{0,40}$/);
const SecretHosts = z.array(z.string().min(1).max(253)).min(1).max(10);

export const GenerateSecret = z.strictObject({
  name: SecretName,
  hosts: SecretHosts,
  length: z.int().min(16).max(128).default(40),
});
export type GenerateSecret = z.infer<typeof GenerateSecret>;

export const CaptureKey = z.object({ publicKeyPem: z.string() });

/**
 * `sealed` is base64 of: the sender's ephemeral X25519 public key (32 bytes, raw), a 12-byte nonce, AES-256-GCM
 * ciphertext and 16-byte tag of the value, under HKDF-SHA256 of the shared secret (salt: both public keys, sender's
 * first; info: `openlegion-capture-v1`). The host passes it on and cannot read it.
 */
export const CaptureSecret = z.strictObject({
  name: SecretName,
  hosts: SecretHosts,
  sealed: z.base64().max(32_768),
});
export type CaptureSecret = z.infer<typeof CaptureSecret>;

export const SecretHandle = z.object({ name: z.string(), handle: z.string(), version: z.int() });
export type SecretHandle = z.infer<typeof SecretHandle>;

/** Something for the person who looks after the fleet; shown as the agent's words. */
export const Notify = z.strictObject({
  text: z.string().min(1).max(4000),
  urgent: z.boolean().default(false),
});
export type Notify = z.infer<typeof Notify>;

/** `key` is the entry of the blackboard that describes it: `artifacts/{agent}/{name}`. At most 32 MiB. */
export const ArtifactSaved = z.object({
  key: z.string(),
  bytes: z.int(),
  sha256: z.string(),
  version: z.int(),
});
export type ArtifactSaved = z.infer<typeof ArtifactSaved>;

/**
 * An agent with a container of its own, paid for by the one that asks. It is granted nothing that its parent is
 * not; what is absent it is not granted at all. Depth 2, at most 3 at a time of one parent.
 */
export const SpawnAgent = z.strictObject({
  role: z.string().min(1).max(200),
  instructions: z.string().max(32_000),
  /** Its first message. */
  task: z
    .string()
    .min(1)
    .max(64 * 1024),
  lifetimeSeconds: z.int().min(60).max(86_400).default(3600),
  tools: z.array(z.string().max(100)).max(200).default([]),
  domains: z.array(z.string().max(200)).max(100).default([]),
  credentials: z.array(z.string().max(200)).max(100).default([]),
  /** Same key, same agent. */
  idempotencyKey: z.string().min(1).max(200),
});
export type SpawnAgent = z.infer<typeof SpawnAgent>;

export const SpawnedAgent = z.object({
  name: AgentName,
  role: z.string(),
  taskId: z.string(),
  endsAt: z.string(),
});
export type SpawnedAgent = z.infer<typeof SpawnedAgent>;
export const SpawnedList = z.object({ agents: z.array(SpawnedAgent) });
export type SpawnedList = z.infer<typeof SpawnedList>;

/** Asks a person about a call of a tool that is set to `ask`. Same key, same question. */
export const AskApproval = z.strictObject({
  tool: z.string().min(1).max(200),
  /** JSON, exactly as it will run. */
  arguments: z.string().max(64 * 1024),
  key: z.string().min(1).max(300),
});
export type AskApproval = z.infer<typeof AskApproval>;

/** `hash` is SHA-256 of what was approved; a refusal is answered as any other (`approval.denied`, `approval.expired`). */
export const ApprovalGiven = z.object({ id: z.string(), by: z.string(), hash: z.string() });
export type ApprovalGiven = z.infer<typeof ApprovalGiven>;

/** A definition as YAML. It is kept for an operator to look at and accept; until then it cannot run. */
export const ProposeWorkflow = z.strictObject({
  yaml: z
    .string()
    .min(1)
    .max(256 * 1024),
});
export type ProposeWorkflow = z.infer<typeof ProposeWorkflow>;
export const WorkflowProposed = z.object({ name: z.string(), hash: z.string() });
export type WorkflowProposed = z.infer<typeof WorkflowProposed>;
