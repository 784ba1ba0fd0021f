import { MODEL_ID } from '@openlegion/contract/model-name';
import { z } from 'zod';
import type { OwnModelEntry } from './edit-own-models.ts';

const Usd = z.number().nonnegative().max(1000);
const Classes = z.object({
  input: Usd,
  output: Usd,
  reasoning: Usd.nullish(),
  cache_read: Usd.nullish(),
  cache_write: Usd.nullish(),
});
const Cost = Classes.extend({
  input_audio: Usd.nullish(),
  output_audio: Usd.nullish(),
  tiers: z
    .array(Classes.extend({ tier: z.object({ type: z.literal('context'), size: z.int().positive() }) }))
    .optional(),
}).catchall(z.unknown());

const Model = z.object({
  cost: Cost,
  limit: z.object({ context: z.int().positive(), output: z.int().nonnegative() }),
  modalities: z.object({ output: z.array(z.string()) }).optional(),
});

const Provider = z.object({ models: z.record(z.string(), z.unknown()) });

/** By provider of models.dev, then by the name that the provider takes. Only what can be priced by tokens of text. */
export type ModelsDev = ReadonlyMap<string, ReadonlyMap<string, OwnModelEntry>>;

/** Where our ids are not those of models.dev. */
const THEIR_IDS: Record<string, string> = {
  'azure-responses': 'azure',
  fireworks: 'fireworks-ai',
  'opencode-anthropic': 'opencode',
  'opencode-responses': 'opencode',
  'openai-responses': 'openai',
  together: 'togetherai',
};

export function theirProviderId(id: string): string {
  return THEIR_IDS[id] ?? id;
}

/**
 * The document of models.dev (`api.json`), by an unknown hand: an entry that is not as expected is left out, one whose
 * price is nothing as well unless its name says that it is free. Throws (zod) when it is no such document at all.
 */
export function parseModelsDev(document: unknown): ModelsDev {
  const providers = z.record(z.string(), z.unknown()).parse(document);
  const found = new Map<string, ReadonlyMap<string, OwnModelEntry>>();
  for (const [id, value] of Object.entries(providers)) {
    const provider = Provider.safeParse(value);
    if (!provider.success) continue;
    const models = Object.entries(provider.data.models).flatMap(([name, model]) => {
      const entry = MODEL_ID.test(name) ? entryOf(name, model) : null;
      return entry ? [[name, entry] as const] : [];
    });
    found.set(id, new Map(models));
  }
  if (![...found.values()].some((models) => models.size > 0))
    throw new Error('no provider in it has a model with a price');
  return found;
}

function entryOf(name: string, value: unknown): OwnModelEntry | null {
  const parsed = Model.safeParse(value);
  if (!parsed.success) return null;
  const { cost, limit, modalities } = parsed.data;
  const embeds = /embed/i.test(name);
  const free = cost.input === 0 && cost.output === 0 && /[:-]free$/.test(name);
  if (!free && (cost.input === 0 || (cost.output === 0 && !embeds))) return null;
  if (modalities?.output.some((kind) => kind !== 'text') || (limit.output === 0 && !embeds)) return null;
  const tiers = tiersOf(cost);
  if (tiers === null) return null;
  return {
    context_tokens: limit.context,
    max_output_tokens: embeds ? 1 : Math.min(limit.output, limit.context),
    ...pricesOf(cost),
    ...(cost.input_audio ? { audio_input_usd_per_million: cost.input_audio } : {}),
    ...(cost.output_audio ? { audio_output_usd_per_million: cost.output_audio } : {}),
    ...(tiers.length === 0 ? {} : { tiers }),
  };
}

/** Null where there are tiers that cannot be read: the price of a short prompt alone would be too little. */
function tiersOf({ tiers = [], ...cost }: z.infer<typeof Cost>): NonNullable<OwnModelEntry['tiers']> | null {
  const found = new Map(tiers.map(({ tier, ...classes }) => [tier.size, classes]));
  for (const [key, value] of Object.entries(cost)) {
    const size = /^context_over_(\d{1,6})k$/.exec(key)?.[1];
    if (size === undefined && key.startsWith('context_')) return null;
    if (size === undefined) continue;
    const classes = Classes.safeParse(value);
    if (!classes.success) return null;
    if (!found.has(Number(size) * 1000)) found.set(Number(size) * 1000, classes.data);
  }
  return [...found]
    .toSorted(([a], [b]) => a - b)
    .map(([size, classes]) => ({ above_input_tokens: size, ...pricesOf(classes) }));
}

function pricesOf({ input, output, reasoning, cache_read, cache_write }: z.infer<typeof Classes>) {
  return {
    input_usd_per_million: input,
    output_usd_per_million: Math.max(output, reasoning ?? 0),
    ...(cache_read ? { cache_read_usd_per_million: cache_read } : {}),
    ...(cache_write ? { cache_write_usd_per_million: cache_write } : {}),
  };
}
