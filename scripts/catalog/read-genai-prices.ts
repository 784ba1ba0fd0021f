import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Price } from '@openlegion/contract/catalog';
import { z } from 'zod';
import { microUsdPerMillion } from './model-fact.ts';

const Amount = z.union([
  z.number(),
  z.object({ base: z.number(), tiers: z.array(z.object({ start: z.int(), price: z.number() })) }),
]);
const Prices = z.record(z.string(), Amount.optional());
const Match = z.record(z.string(), z.unknown());
const Model = z.object({
  id: z.string(),
  match: Match,
  context_window: z.int().optional(),
  deprecated: z.boolean().optional(),
  prices: z.union([
    z.array(
      z.object({
        constraint: z
          .object({ type: z.string(), start_date: z.union([z.string(), z.date()]).optional() })
          .optional(),
        prices: Prices,
      }),
    ),
    Prices,
  ]),
});
type Model = z.infer<typeof Model>;

export interface GenaiPrice {
  /** Null where something but tokens is billed, or nothing is known: such a model is not priced by us. */
  price: Price | null;
  contextTokens: number | null;
  /** The price depends on the hour: the dearest was taken. */
  hourly: boolean;
}

/** Billed only by what a request asks for, and the gateway refuses to ask for it (hosted tools, hour-long caches). */
const REFUSED_ELSEWHERE = new Set(['cache_write_1h_mtok', 'web_searches_kcount']);
const CLASSES = {
  input_mtok: 'input',
  output_mtok: 'output',
  output_reasoning_mtok: 'output',
  cache_read_mtok: 'cacheRead',
  cache_audio_read_mtok: 'cacheRead',
  cache_write_mtok: 'cacheWrite',
  input_audio_mtok: 'audioInput',
  output_audio_mtok: 'audioOutput',
} as const;

/** What the package says of a model's price at one provider; null for one that it does not know. */
export async function readGenaiPrices(directory: string, today: string) {
  const library = z
    .object({
      findProvider: z.function({ input: [z.object({ providerId: z.string() })], output: z.unknown() }),
    })
    .parse(await import(pathToFileURL(join(directory, 'dist/index.js')).href));
  return (provider: string, model: string): GenaiPrice | null => {
    const { models } = z
      .object({ id: z.literal(provider), models: z.array(Model) })
      .parse(library.findProvider({ providerId: provider }));
    const entry = models.find(({ match }) => matches(match, model.toLowerCase()));
    return entry ? priceOf(entry, today) : null;
  };
}

function priceOf({ prices, context_window }: Model, today: string): GenaiPrice {
  const contextTokens = context_window ?? null;
  const given = Array.isArray(prices) ? prices : [{ prices }];
  const hourly = given.some(({ constraint }) => constraint?.type === 'time_of_date');
  const dated = given
    .filter(({ constraint }) => constraint?.type !== 'time_of_date')
    .filter(({ constraint }) => dateOf(constraint?.start_date) <= today)
    .toSorted((a, b) => dateOf(b.constraint?.start_date).localeCompare(dateOf(a.constraint?.start_date)));
  const inForce = [
    ...dated.slice(0, 1),
    ...given.filter(({ constraint }) => constraint?.type === 'time_of_date'),
  ];
  const price: Record<string, number> = {};
  const steps = new Set<number>();
  for (const { prices: classes } of inForce) {
    for (const [key, amount] of Object.entries(classes)) {
      if (amount === undefined || REFUSED_ELSEWHERE.has(key)) continue;
      const name = classOf(key);
      if (name === null) return { price: null, contextTokens, hourly };
      const base = typeof amount === 'number' ? amount : amount.base;
      if (typeof amount !== 'number') for (const { start } of amount.tiers) steps.add(start);
      price[name] = Math.max(price[name] ?? 0, microUsdPerMillion(base));
    }
  }
  const { input, ...others } = price;
  // Neither of nothing nor of a thing that has no price of input: such an entry says nothing that could be charged.
  if (input === undefined) return { price: null, contextTokens, hourly };
  const tiers = [...steps]
    .toSorted((a, b) => a - b)
    .map((start) =>
      tierAt(
        start,
        inForce.map((item) => item.prices),
      ),
    );
  const { output = 0, ...rest } = others;
  return {
    price: { input, output, ...rest, ...(tiers.length > 0 ? { tiers } : {}) },
    contextTokens,
    hourly,
  };
}

function tierAt(start: number, all: readonly z.infer<typeof Prices>[]): NonNullable<Price['tiers']>[number] {
  const at = (wanted: string): number | undefined => {
    const values = all.flatMap((classes) =>
      Object.entries(classes).flatMap(([key, amount]) => {
        if (amount === undefined || classOf(key) !== wanted) return [];
        if (typeof amount === 'number') return [amount];
        return [amount.tiers.findLast((tier) => tier.start <= start)?.price ?? amount.base];
      }),
    );
    return values.length === 0 ? undefined : Math.max(...values.map(microUsdPerMillion));
  };
  const cacheRead = at('cacheRead');
  const cacheWrite = at('cacheWrite');
  return {
    aboveInputTokens: start,
    input: at('input') ?? 0,
    output: at('output') ?? 0,
    ...(cacheRead === undefined ? {} : { cacheRead }),
    ...(cacheWrite === undefined ? {} : { cacheWrite }),
  };
}

function classOf(key: string): (typeof CLASSES)[keyof typeof CLASSES] | null {
  for (const [name, kind] of Object.entries(CLASSES)) if (name === key) return kind;
  return null;
}

function dateOf(date: string | Date | undefined): string {
  if (date === undefined) return '';
  return typeof date === 'string' ? date : date.toISOString().slice(0, 10);
}

/** The package's own rules for which names an entry is about. */
function matches(rule: z.infer<typeof Match>, name: string): boolean {
  return Object.entries(rule).some(([kind, value]) => {
    if (kind === 'or' || kind === 'and') {
      const rules = z.array(Match).parse(value);
      return kind === 'or'
        ? rules.some((one) => matches(one, name))
        : rules.every((one) => matches(one, name));
    }
    const text = z.string().parse(value);
    if (kind === 'regex') return new RegExp(text).test(name);
    if (kind === 'equals') return name === text.toLowerCase();
    if (kind === 'starts_with') return name.startsWith(text.toLowerCase());
    if (kind === 'ends_with') return name.endsWith(text.toLowerCase());
    if (kind === 'contains') return name.includes(text.toLowerCase());
    throw new Error(`an unknown kind of rule: ${kind}`);
  });
}
