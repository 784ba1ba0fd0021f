import { z } from 'zod';
import { AgentName } from './agent-name.ts';
import { Dialect } from './catalog.ts';
import { ModelName } from './model-name.ts';
import { UsdAmount } from './money.ts';

/** `$0.40` per million tokens, as people write it, in whole micro-dollars per million tokens. */
const UsdPerMillion = z
  .number()
  .nonnegative()
  .max(100_000)
  .transform((usd) => Math.round(usd * 1_000_000));

/** A provider of the operator's own, or a change to one of the catalog (a proxy in front of it, a local server). */
export const ProviderConfig = z.strictObject({
  base_url: z.url({ protocol: /^https?$/ }).optional(),
  dialect: Dialect.optional(),
  /** `none` for a local server that takes no key. */
  key: z.enum(['bearer', 'x-api-key', 'x-goog-api-key', 'api-key', 'none']).optional(),
  models: z
    .record(
      z.string().min(1).max(200),
      z.strictObject({
        context_tokens: z.int().positive().default(128_000),
        max_output_tokens: z.int().positive().default(8192),
        input_usd_per_million: UsdPerMillion,
        output_usd_per_million: UsdPerMillion,
        cache_read_usd_per_million: UsdPerMillion.optional(),
        cache_write_usd_per_million: UsdPerMillion.optional(),
        image_tokens: z.int().positive().optional(),
      }),
    )
    .default({}),
});
export type ProviderConfig = z.infer<typeof ProviderConfig>;

/** `config/mesh.yaml`. Unknown keys are errors. */
export const MeshConfig = z.strictObject({
  mesh: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: z.int().min(0).max(65_535).default(8420),
    })
    .prefault({}),
  llm: z
    .strictObject({
      default_model: ModelName.default('openai/gpt-4.1-mini'),
      max_tokens: z.int().positive().max(1_000_000).default(4096),
      temperature: z.number().min(0).max(2).default(0.7),
      failover: z.record(ModelName, z.array(ModelName).max(10)).default({}),
      providers: z.record(z.string(), ProviderConfig).default({}),
    })
    .prefault({}),
  budget: z
    .strictObject({
      daily_usd: UsdAmount.default(50_000_000),
      monthly_usd: UsdAmount.default(500_000_000),
      timezone: z.string().default('UTC'),
    })
    .prefault({}),
  /** Limits that the agents of a team (`team` in agents.yaml) share. */
  teams: z
    .record(
      AgentName,
      z.strictObject({
        budget: z.strictObject({ daily_usd: UsdAmount, monthly_usd: UsdAmount }),
      }),
    )
    .default({}),
  egress: z
    .strictObject({
      /** PEM file of further roots for upstreams, relative to the configuration. */
      extra_roots: z.string().max(500).optional(),
      hosts: z
        .record(
          z.string().min(1).max(253),
          z.strictObject({
            /** An address of the operator's own for this name; it may be private. */
            address: z.union([z.ipv4(), z.ipv6()]).optional(),
            port: z.int().min(1).max(65_535).optional(),
            /** The gateway does not look into connections to this host (pinned clients); recorded as opaque. */
            opaque: z.boolean().default(false),
          }),
        )
        .default({}),
      requests_per_minute: z.int().positive().max(100_000).default(600),
      megabytes_per_minute: z.int().positive().max(100_000).default(300),
      connections: z.int().positive().max(48).default(32),
    })
    .prefault({}),
  channels: z.strictObject({}).default({}),
});
export type MeshConfig = z.infer<typeof MeshConfig>;
