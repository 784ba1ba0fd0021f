import type { CatalogModel } from '@openlegion/contract/catalog';
import type { Ask } from './dialect/dialect.ts';
import { refuse } from './refuse.ts';

/**
 * Input tokens that a provider adds to what is in the body: the frame of each message and tool (OpenAI: 3 and about
 * 12, cookbook "How to count tokens"; a tool's JSON is longer than what is made of it), and once per request the
 * system prompt for tools or for a schema (Anthropic: at most 675, docs "Tool use: pricing").
 */
const CEILING = { request: 1024, message: 16, tool: 64 } as const;

/** All that a call can cost, known before it is made. */
export interface Bound {
  inputTokens: number;
  inputMicroUsd: number;
  /** Micro-dollars a million, the dearest class of each direction. */
  inputPrice: number;
  outputPrice: number;
  /** Over all choices. */
  outputTokens: number;
  minOutputTokens: number;
}

/**
 * Input: no tokenizer makes more tokens than there are bytes of UTF-8, every token being at least one byte (those
 * that normalise first are covered by counting the longer of the text and its NFKC form); images, whose bytes are
 * not text, cost their own ceiling. All of it at the dearest class: nobody can tell what will be read from a cache.
 * Output: what was asked, at most the model's limit, for each choice.
 * Throws `denied` for an image to a model that has no ceiling for one.
 */
export function boundCost(ask: Ask, model: CatalogModel, serialised: string): Bound {
  const { tally } = ask;
  if (tally.images > 0 && model.imageTokens === undefined)
    throw refuse(
      'denied',
      'llm.image',
      `The catalog does not say what an image costs with ${model.id}, so none is sent.`,
      'Use a model that takes images, or give this one image_tokens in config/mesh.yaml.',
    );
  const inputTokens =
    textBytes(serialised) -
    tally.imageBytes +
    CEILING.request +
    CEILING.message * tally.messages +
    CEILING.tool * tally.tools +
    (model.imageTokens ?? 0) * tally.images;
  const { price } = model;
  const hour = tally.hourCache ? hourCachePrice(price.input) : 0;
  const inputPrice = Math.max(price.input, price.cacheRead ?? 0, price.cacheWrite ?? 0, hour);
  const each = Math.min(ask.wantedTokens ?? model.maxOutputTokens, model.maxOutputTokens);
  return {
    inputTokens,
    inputMicroUsd: microUsd([[inputTokens, inputPrice]]),
    inputPrice,
    outputPrice: price.output,
    outputTokens: each * ask.choices,
    minOutputTokens: Math.min(ask.minTokens, each) * ask.choices,
  };
}

/** Anthropic writes a cache of one hour at twice the price of input. */
export function hourCachePrice(inputPrice: number): number {
  return inputPrice * 2;
}

/** Σ tokens × micro-dollars a million, in whole micro-dollars, rounded up once. */
export function microUsd(parts: readonly (readonly [tokens: number, price: number])[]): number {
  const sum = parts.reduce((total, [tokens, price]) => total + BigInt(tokens) * BigInt(price), 0n);
  return Number((sum + 999_999n) / 1_000_000n);
}

function textBytes(serialised: string): number {
  const bytes = Buffer.byteLength(serialised);
  // Only a text with more bytes than characters holds anything that normalising could lengthen.
  return bytes === serialised.length
    ? bytes
    : Math.max(bytes, Buffer.byteLength(serialised.normalize('NFKC')));
}
