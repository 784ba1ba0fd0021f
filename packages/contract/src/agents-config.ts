import { z } from 'zod';
import { AgentName } from './agent-name.ts';
import { ModelName } from './model-name.ts';
import { UsdAmount } from './money.ts';
import { MODEL_PORT, PROXY_PORT } from './program-environment.ts';

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

const VARIABLE = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, 'letters, digits and underscores');
const Environment = z.record(VARIABLE, z.string().max(4000)).default({});
const Command = z.array(z.string().min(1).max(2000)).min(1).max(64);

/** An MCP server: a program in the agent's container, or one at an address that the agent may reach. */
export const McpServerConfig = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, 'lower case letters, digits, - and _'),
    command: z.string().min(1).max(2000).optional(),
    args: z.array(z.string().max(2000)).max(64).default([]),
    env: Environment,
    /** https; a credential that is granted to the agent and bound to the host is added on the way. */
    url: z.url({ protocol: /^https$/ }).optional(),
    /** Whether the server may ask the agent's model, or the person, for something. */
    sampling: z.boolean().default(false),
    elicitation: z.boolean().default(false),
  })
  .refine((server) => (server.command === undefined) !== (server.url === undefined), 'either command or url');
export type McpServerConfig = z.infer<typeof McpServerConfig>;

/** Another agent program in the place of ours, in the same cage. */
export const RuntimeConfig = z.strictObject({
  command: Command,
  /** `stdin`: one process a message; `acp`: the Agent Client Protocol; `openai`: a server with chat completions. */
  protocol: z.enum(['stdin', 'acp', 'openai']).default('stdin'),
  /** An image of the engine that has the program; it is extended with our own bundle. Absent: the agent image. */
  image: z.string().min(1).max(300).optional(),
  env: Environment,
  /** Port on the container's loopback, for `openai`. */
  port: z
    .int()
    .min(1024)
    .max(65_535)
    .refine((port) => port !== MODEL_PORT && port !== PROXY_PORT, 'a port that the agent itself does not use')
    .default(8500),
});
export type RuntimeConfig = z.infer<typeof RuntimeConfig>;

export const BrowserBackend = z.enum(['basic', 'stealth', 'advanced', 'persistent']);
export type BrowserBackend = z.infer<typeof BrowserBackend>;

export const AgentConfig = z.strictObject({
  role: z.string().max(200).default(''),
  /** `llm.default_model` where absent. */
  model: ModelName.optional(),
  system_prompt: z.string().max(32_000).default(''),
  initial_instructions: z.string().max(32_000).default(''),
  thinking: z.enum(['off', 'low', 'medium', 'high']).default('off'),
  resources: z
    .strictObject({
      /** Absent: 384 MiB, 0.15 and 256; with `can_use_browser` 1 GiB, 1 and 512. */
      memory_limit: ByteSize.optional(),
      cpu_limit: z.number().min(0.05).max(64).optional(),
      /** Size of the agent's private volume. */
      disk_limit: ByteSize.default(1024 * MEBIBYTE),
      pids_limit: z.int().min(16).max(4096).optional(),
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
  /** A folder of tools and skill packs, relative to the configuration's home. */
  skills_dir: z.string().min(1).max(500).optional(),
  /** Without `can_use_browser` there is none, whatever this says. */
  browser_backend: BrowserBackend.default('basic'),
  /** Of `advanced`: a browser elsewhere that speaks CDP, reached as egress. */
  browser_endpoint: z.url({ protocol: /^wss?$/ }).optional(),
  mcp_servers: z
    .array(McpServerConfig)
    .max(20)
    .refine((servers) => new Set(servers.map(({ name }) => name)).size === servers.length, 'each name once')
    .default([]),
  runtime: RuntimeConfig.optional(),
});
export type AgentConfig = z.infer<typeof AgentConfig>;

/** `config/agents.yaml`. Unknown keys are errors. */
export const AgentsConfig = z.strictObject({ agents: z.record(AgentName, AgentConfig) });
export type AgentsConfig = z.infer<typeof AgentsConfig>;
