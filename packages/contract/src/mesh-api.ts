import { z } from 'zod';
import { AgentName } from './agent-name.ts';
import { Dialect } from './catalog.ts';
import { ModelName } from './model-name.ts';

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

export const Introspection = z.object({
  name: AgentName,
  permissions: z.record(z.string(), z.unknown()),
  budget: z.object({
    dailyMicroUsd: z.int(),
    monthlyMicroUsd: z.int(),
    spentTodayMicroUsd: z.int(),
    spentMonthMicroUsd: z.int(),
  }),
});
