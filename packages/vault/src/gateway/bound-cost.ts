import type { CatalogModel, Price } from '@openlegion/contract/catalog';
import { refusal } from '../process/refusal.ts';
import type { Ask } from './dialect/dialect.ts';

/**
 * Input tokens that a provider adds to what is in the body: the frame of each message and tool (OpenAI: 3 and about
 * 12, cookbook "How to count tokens"; a tool's JSON is longer than what is made of it), and once per request the
 * system prompt for tools or for a schema (Anthropic: at most 675, docs "Tool use: pricing").
 */
const CEILING = { request: 1024, message: 16, tool: 64 } as const;

/** All that a call can cost, known before it is made. Prices are micro-dollars a million, the dearest class of each direction. */
export interface Bound {
  inputTokens: number;
  inputMicroUsd: number;
  inputPrice: number;
  outputPrice: number;
}

/**
 * Input: no tokenizer makes more tokens than there are bytes of UTF-8, every token being at least one byte (those
 * that normalise first are covered by counting the longer of the text and its NFKC form); images, whose bytes are
 * not text, cost their own ceiling. All of it at the dearest class, nobody can tell what will be read from a cache,
 * and of the tiers that so many tokens can reach. Throws `denied` for an image to a model that has no ceiling for one.
 */
export function boundCost(ask: Ask, model: CatalogModel, body: Buffer, text: string): Bound {
  const { tally } = ask;
  if (tally.images > 0 && model.imageTokens === undefined)
    throw refusal('llm.image:price', { model: model.id });
  const inputTokens =
    textBytes(body, text) -
    tally.imageBytes +
    CEILING.request +
    CEILING.message * tally.messages +
    CEILING.tool * tally.tools +
    (model.imageTokens ?? 0) * tally.images;
  const reachable = [model.price, ...tiersBelow(model.price, inputTokens)];
  const inputPrice = Math.max(...reachable.map((price) => dearestInput(price, tally.hourCache > 0)));
  const outputPrice = Math.max(...reachable.map((price) => price.output));
  return { inputTokens, inputMicroUsd: microUsd([[inputTokens, inputPrice]]), inputPrice, outputPrice };
}

/** What `tokens` of output over each choice come to: as asked, at most the model's limit. */
export function boundOutput(
  ask: Ask,
  model: CatalogModel,
): { outputTokens: number; minOutputTokens: number } {
  const each = Math.min(ask.wantedTokens ?? model.maxOutputTokens, model.maxOutputTokens);
  return {
    outputTokens: each * ask.choices,
    minOutputTokens: Math.min(ask.minTokens, each) * ask.choices,
  };
}

/** The price of a call whose whole input was so large. A tier without a cache price of its own has none. */
export function priceAt(price: Price, inputTokens: number): Price {
  const { cacheRead: _read, cacheWrite: _write, ...others } = price;
  const tier = tiersBelow(price, inputTokens).at(-1);
  return tier ? { ...others, ...tier } : price;
}

/** The dearest class of input token. Anthropic writes a cache of one hour at twice the price of input. */
export function dearestInput({ input, cacheRead = 0, cacheWrite = 0 }: Price, hourCache: boolean): number {
  return Math.max(input, cacheRead, cacheWrite, hourCache ? input * 2 : 0);
}

/** Σ tokens × micro-dollars a million, in whole micro-dollars, rounded up once. */
export function microUsd(parts: readonly (readonly [tokens: number, price: number])[]): number {
  const sum = parts.reduce((total, [tokens, price]) => total + BigInt(tokens) * BigInt(price), 0n);
  return Number((sum + 999_999n) / 1_000_000n);
}

function tiersBelow({ tiers = [] }: Price, inputTokens: number): NonNullable<Price['tiers']> {
  return tiers.filter(({ aboveInputTokens }) => inputTokens > aboveInputTokens);
}

function textBytes(body: Buffer, text: string): number {
  // Only a text with more bytes than characters holds anything that normalising could lengthen.
  if (body.length === text.length) return body.length;
  return Math.max(body.length, Buffer.byteLength(text.normalize('NFKC')));
}
