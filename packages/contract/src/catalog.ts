import { z } from 'zod';

/** The four wire formats that between them reach every provider. */
export const Dialect = z.enum(['openai-chat', 'openai-responses', 'anthropic', 'google']);
export type Dialect = z.infer<typeof Dialect>;

/**
 * Whole micro-dollars per million tokens (so `$0.40 / M` is `400000`). A class of token without a price of its
 * own is billed as the dearest class of its direction.
 */
export const Price = z.strictObject({
  input: z.int().nonnegative(),
  output: z.int().nonnegative(),
  cacheRead: z.int().nonnegative().optional(),
  cacheWrite: z.int().nonnegative().optional(),
  audioInput: z.int().nonnegative().optional(),
  audioOutput: z.int().nonnegative().optional(),
  /** Prices from a size of the whole input upwards, ascending; a reservation is made at the dearest. */
  tiers: z
    .array(
      z.strictObject({
        aboveInputTokens: z.int().positive(),
        input: z.int().nonnegative(),
        output: z.int().nonnegative(),
        cacheRead: z.int().nonnegative().optional(),
        cacheWrite: z.int().nonnegative().optional(),
      }),
    )
    .optional(),
});
export type Price = z.infer<typeof Price>;

export const CatalogModel = z.strictObject({
  /** The id the provider knows it by. `*` matches every model of a provider and is for local servers. */
  id: z.string().min(1).max(200),
  contextTokens: z.int().positive(),
  maxOutputTokens: z.int().positive(),
  price: Price,
  /** The most one image can cost in input tokens; a model without it takes no images. */
  imageTokens: z.int().positive().optional(),
  /** Other names that resolve to this model and its one price. */
  aliases: z.array(z.string()).optional(),
  capabilities: z
    .array(z.enum(['tools', 'vision', 'reasoning', 'structured_output', 'embedding', 'audio']))
    .optional(),
});
export type CatalogModel = z.infer<typeof CatalogModel>;

export const CatalogProvider = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/),
  name: z.string().max(100),
  dialect: Dialect,
  /** Without a trailing slash, including a version segment where the provider has one (`https://api.openai.com/v1`). */
  baseUrl: z.string().max(500),
  /** True: the address is the operator's own (a resource, an account, a local port); refused until configured where `baseUrl` is empty. */
  configured: z.boolean().optional(),
  /** Variables in which people keep the key: `OPENAI_API_KEY`. */
  environment: z.array(z.string()).optional(),
  /** Listens on this machine and takes no key unless given one: Ollama, llama.cpp, vLLM, LM Studio. */
  local: z.boolean().optional(),
  /** Set only by this installation, for a provider that listens on a Unix socket (the scripted model). */
  socketPath: z.string().max(100).optional(),
  /** Absent for a provider that takes no key. */
  auth: z
    .strictObject({
      header: z.enum(['authorization', 'x-api-key', 'x-goog-api-key', 'api-key']),
      scheme: z.enum(['bearer', 'raw']),
      /** `OPENLEGION_SYSTEM_*`: the name of the sealed record. */
      credential: z.string().regex(/^OPENLEGION_SYSTEM_[A-Z0-9_]{1,100}$/),
    })
    .optional(),
  models: z.array(CatalogModel),
});
export type CatalogProvider = z.infer<typeof CatalogProvider>;
