import { z } from 'zod';
import { AgentName } from './agent-name.ts';
import { ModelName } from './model-name.ts';
import { UsdAmount } from './money.ts';

const MEBIBYTE = 1024 * 1024;
const SIZE_UNITS: Record<string, number> = { k: 1024, m: MEBIBYTE, g: 1024 * MEBIBYTE };

/** `384m`, `1g`: a size in bytes, powers of 1024. */
export const ByteSize = z
  .string()
  .regex(/^[1-9][0-9]{0,9}[kmg]$/i, 'a number and k, m or g, for example 384m')
  .transform((text) => Number(text.slice(0, -1)) * (SIZE_UNITS[text.slice(-1).toLowerCase()] ?? 1));

/** `15m`, `90s`, `2h`: a duration in milliseconds. */
export const Duration = z
  .string()
  .regex(/^[1-9][0-9]{0,6}[smh]$/, 'a number and s, m or h, for example 15m')
  .transform(
    (text) =>
      Number(text.slice(0, -1)) * { s: 1000, m: 60_000, h: 3_600_000 }[text.slice(-1) as 's' | 'm' | 'h'],
  );

export const AgentConfig = z.strictObject({
  role: z.string().max(200).default(''),
  /** `llm.default_model` where absent. */
  model: ModelName.optional(),
  system_prompt: z.string().max(32_000).default(''),
  initial_instructions: z.string().max(32_000).default(''),
  thinking: z.enum(['off', 'low', 'medium', 'high']).default('off'),
  resources: z
    .strictObject({
      memory_limit: ByteSize.default(384 * MEBIBYTE),
      cpu_limit: z.number().min(0.05).max(64).default(0.15),
      /** Size of the agent's private volume. */
      disk_limit: ByteSize.default(1024 * MEBIBYTE),
      pids_limit: z.int().min(16).max(4096).default(256),
    })
    .prefault({}),
  budget: z
    .strictObject({
      daily_usd: UsdAmount.default(5_000_000),
      monthly_usd: UsdAmount.default(100_000_000),
      requests_per_minute: z.int().positive().max(100_000).optional(),
      tokens_per_minute: z.int().positive().max(1_000_000_000).optional(),
    })
    .prefault({}),
  team: AgentName.optional(),
  capabilities: z
    .array(z.string().regex(/^[a-z][a-z0-9-]{0,62}$/))
    .max(50)
    .default([]),
  idle_stop: Duration.default(15 * 60_000),
});
export type AgentConfig = z.infer<typeof AgentConfig>;

/** `config/agents.yaml`. Unknown keys are errors. */
export const AgentsConfig = z.strictObject({ agents: z.record(AgentName, AgentConfig) });
export type AgentsConfig = z.infer<typeof AgentsConfig>;
