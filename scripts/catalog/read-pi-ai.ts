import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Price } from '@openlegion/contract/catalog';
import { z } from 'zod';
import { type ModelFact, microUsdPerMillion } from './model-fact.ts';

const Cost = z.object({
  input: z.number(),
  output: z.number(),
  cacheRead: z.number().default(0),
  cacheWrite: z.number().default(0),
});

const Entry = z.object({
  id: z.string(),
  type: z.string(),
  baseUrl: z.string(),
  reasoning: z.boolean().default(false),
  input: z.array(z.string()),
  cost: Cost.extend({ tiers: z.array(Cost.extend({ inputTokensAbove: z.int() })).default([]) }),
  contextWindow: z.int().optional(),
  maxTokens: z.int().optional(),
  compat: z.object({ supportsStrictMode: z.boolean().optional() }).optional(),
});

/** One wire interface of one provider, and the models that answer on it. */
export interface PiInterface {
  baseUrl: string;
  models: ModelFact[];
}

/** By `provider/interface`, for example `openai/openai-responses`. Chat models only, all of which take tools. */
export function readPiAi(directory: string): Map<string, PiInterface> {
  const data = join(directory, 'dist/providers/data');
  const found = new Map<string, PiInterface>();
  for (const file of readdirSync(data).filter((name) => /^[a-z].*\.json$/.test(name))) {
    const interfaces = z
      .record(z.string(), z.record(z.string(), z.unknown()))
      .parse(JSON.parse(readFileSync(join(data, file), 'utf8')));
    for (const [name, models] of Object.entries(interfaces)) {
      const chat = Object.values(models)
        .filter((model) => z.object({ type: z.string() }).parse(model).type === 'chat')
        .map((model) => Entry.parse(model));
      const [first] = chat;
      if (first)
        found.set(`${basename(file, '.json')}/${name}`, {
          baseUrl: first.baseUrl,
          models: chat.filter(({ cost }) => cost.input >= 0 && cost.output >= 0).map(factOf),
        });
    }
  }
  return found;
}

function factOf({
  id,
  cost,
  contextWindow,
  maxTokens,
  reasoning,
  input,
  compat,
}: z.infer<typeof Entry>): ModelFact {
  const tiers = cost.tiers.map(({ inputTokensAbove, ...tier }) => ({
    aboveInputTokens: inputTokensAbove,
    ...priceOf(tier),
  }));
  return {
    id,
    price: { ...priceOf(cost), ...(tiers.length > 0 ? { tiers } : {}) },
    contextTokens: contextWindow ?? null,
    maxOutputTokens: maxTokens ?? null,
    capabilities: [
      'tools',
      ...(input.includes('image') ? (['vision'] as const) : []),
      ...(reasoning ? (['reasoning'] as const) : []),
      ...(compat?.supportsStrictMode ? (['structured_output'] as const) : []),
    ],
  };
}

/** A cache price of 0 there means that none is known: then the dearest class applies, not nothing. */
function priceOf({ input, output, cacheRead, cacheWrite }: z.infer<typeof Cost>): Omit<Price, 'tiers'> {
  return {
    input: microUsdPerMillion(input),
    output: microUsdPerMillion(output),
    ...(cacheRead > 0 ? { cacheRead: microUsdPerMillion(cacheRead) } : {}),
    ...(cacheWrite > 0 ? { cacheWrite: microUsdPerMillion(cacheWrite) } : {}),
  };
}
