import { z } from 'zod';
import { AgentName } from './agent-name.ts';
import { Duration } from './agents-config.ts';
import { Dialect } from './catalog.ts';
import { MODEL_ID, ModelName } from './model-name.ts';
import { UsdAmount } from './money.ts';

const MODEL_ID_FORM = 'the name of a model as its provider takes it: letters, digits and @ . _ : / + -';

/** `$0.40` per million tokens, as people write it, in whole micro-dollars per million tokens. */
const UsdPerMillion = z
  .number()
  .nonnegative()
  .max(1000)
  .transform((usd) => Math.round(usd * 1_000_000));

const TokenPrices = z.strictObject({
  input_usd_per_million: UsdPerMillion,
  output_usd_per_million: UsdPerMillion,
  cache_read_usd_per_million: UsdPerMillion.optional(),
  cache_write_usd_per_million: UsdPerMillion.optional(),
});

/** A model with the operator's own price, which stands instead of the catalog's. */
export const OwnModelConfig = TokenPrices.extend({
  context_tokens: z.int().positive().max(100_000_000).default(128_000),
  max_output_tokens: z.int().positive().max(100_000_000).default(8192),
  audio_input_usd_per_million: UsdPerMillion.optional(),
  audio_output_usd_per_million: UsdPerMillion.optional(),
  /** Prices from a size of the whole input upwards, ascending. */
  tiers: z
    .array(TokenPrices.extend({ above_input_tokens: z.int().positive().max(100_000_000) }))
    .max(10)
    .refine(
      (tiers) =>
        tiers.every((tier, index) => tier.above_input_tokens > (tiers[index - 1]?.above_input_tokens ?? 0)),
      'tiers in ascending order of above_input_tokens',
    )
    .default([]),
  image_tokens: z.int().positive().max(100_000_000).optional(),
  /** Other names of it; those of the catalog where absent. */
  aliases: z.array(z.string().regex(MODEL_ID, MODEL_ID_FORM)).max(100).optional(),
});
export type OwnModelConfig = z.infer<typeof OwnModelConfig>;

/** A provider of the operator's own, or a change to one of the catalog (a proxy in front of it, a local server). */
export const ProviderConfig = z.strictObject({
  base_url: z.url({ protocol: /^https?$/ }).optional(),
  dialect: Dialect.optional(),
  /** `none` for a local server that takes no key. */
  key: z.enum(['bearer', 'x-api-key', 'x-goog-api-key', 'api-key', 'none']).optional(),
  /** By the name that the provider takes; `*` stands for all others. However it is spelled, a name is one model. */
  models: z
    .record(z.union([z.literal('*'), z.string().regex(MODEL_ID, MODEL_ID_FORM)]), OwnModelConfig)
    .refine(
      (models) =>
        new Set(Object.keys(models).map((name) => name.toLowerCase())).size === Object.keys(models).length,
      'every model once: names that differ in case alone are one model',
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
      /** For agents' memories; without one they search by words and a local measure alone. */
      embedding_model: ModelName.optional(),
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
  /** Who may answer what waits for a person: names of tokens (`openlegion token`). No approver means no. */
  approvals: z
    .strictObject({
      approvers: z.array(z.string().min(1).max(63)).max(100).default(['operator']),
      timeout: Duration.default(3_600_000),
    })
    .prefault({}),
  telemetry: z
    .strictObject({
      /** Where settled traces are sent as OTLP/HTTP JSON (`http://127.0.0.1:4318`); nowhere where absent. */
      otlp_endpoint: z.url({ protocol: /^https?$/ }).optional(),
      /** Whether previews of messages, tool calls and results go along, redacted. */
      message_text: z.boolean().default(false),
      /** What happened is kept for this long, and at most so many events, the oldest going first. */
      keep_days: z.int().min(1).max(3650).default(30),
      keep_events: z.int().min(1000).max(100_000_000).default(1_000_000),
    })
    .prefault({}),
  channels: z.strictObject({}).default({}),
});
export type MeshConfig = z.infer<typeof MeshConfig>;
