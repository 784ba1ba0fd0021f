import { createHash } from 'node:crypto';
import { z } from 'zod';

const DEFAULT_DIMENSIONS = 256;

const Body = z.object({
  model: z.string().min(1).max(200),
  input: z.union([z.string(), z.array(z.string()).min(1).max(2048)]),
  dimensions: z.int().min(1).max(4096).nullish(),
  encoding_format: z.enum(['float', 'base64']).nullish(),
});

/**
 * Answers `POST /v1/embeddings`: the same text gets the same unit vector, texts that share words get near ones.
 * Null when the body does not fit.
 */
export function embeddingsAnswer(body: unknown): unknown {
  const parsed = Body.safeParse(body);
  if (!parsed.success) return null;
  const { model, input, dimensions, encoding_format: encoding } = parsed.data;
  const texts = typeof input === 'string' ? [input] : input;
  const tokens = texts.reduce((sum, text) => sum + Math.ceil(text.length / 4), 0);
  return {
    object: 'list',
    data: texts.map((text, index) => {
      const vector = embed(text, dimensions ?? DEFAULT_DIMENSIONS);
      const embedding =
        encoding === 'base64' ? Buffer.from(new Float32Array(vector).buffer).toString('base64') : vector;
      return { object: 'embedding', index, embedding };
    }),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

/** Feature hashing: each word adds one to, or takes one from, one of the dimensions (Weinberger et al. 2009). */
export function embed(text: string, dimensions: number): number[] {
  const vector = new Array<number>(dimensions).fill(0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ['']) {
    const hash = createHash('sha256').update(word).digest();
    const at = hash.readUInt32LE(0) % dimensions;
    vector[at] = (vector[at] ?? 0) + ((hash[4] ?? 0) % 2 === 0 ? 1 : -1);
  }
  const length = Math.hypot(...vector);
  // Words that cancel each other out leave nothing to scale.
  if (length === 0) return vector.map((_, index) => (index === 0 ? 1 : 0));
  return vector.map((value) => value / length);
}
