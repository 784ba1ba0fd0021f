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
 * | CONNECT egress          | proxy client's bytes | HTTP proxy | allowed_domains, credentials |
 * | any  /services/{name}/… | service's own  | service's own | allowed_credentials             |
 *
 * `CONNECT egress` is for one connection of one program in the container: the bytes of any HTTP proxy client, as
 * they come; the gateway is the proxy. At most 48 such connections at a time for one agent.
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
});
export type Route = z.infer<typeof Route>;

/** Written by the model of an agent: data for the one who receives it, never an instruction with authority. */
export const HandoffRequest = z.strictObject({
  to: z.union([AgentName, z.string().regex(/^capability:[a-z][a-z0-9-]{0,62}$/)]),
  task: z
    .string()
    .min(1)
    .max(64 * 1024),
  /** Same key, same task: creation is idempotent. */
  idempotencyKey: z.string().min(1).max(200),
});
export type HandoffRequest = z.infer<typeof HandoffRequest>;
export const HandoffAnswer = z.object({ taskId: z.string(), to: AgentName });
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
