import { MODEL } from './start-gateway.ts';
import type { DialectName } from './wire-shapes.ts';

/**
 * The most that a provider could bill for a body it received, worked out from that body alone and another way than
 * the gateway does: every byte of every string a token, every image its ceiling, all input written to the dearest
 * cache, the output limit used up by every choice. In micro-dollars, of the test model.
 */
export function worstBill(dialect: DialectName, body: unknown): number {
  const { price, imageTokens = 0 } = MODEL;
  const found = walk(body);
  const dearest = Math.max(price.cacheWrite ?? 0, found.hour ? price.input * 2 : 0);
  const input = found.bytes + found.images * imageTokens;
  const { tokens, choices } = outputOf(dialect, body);
  return (input * dearest + tokens * choices * price.output) / 1_000_000;
}

function outputOf(dialect: DialectName, body: unknown): { tokens: number; choices: number } {
  const config = dialect === 'google' ? at(body, 'generationConfig') : body;
  const limits = ['max_tokens', 'max_completion_tokens', 'max_output_tokens', 'maxOutputTokens'].flatMap(
    (name) => {
      const limit = at(config, name);
      return typeof limit === 'number' ? [limit] : [];
    },
  );
  // Without a limit, or with two of which one may be ignored, a model can go on to its end.
  const tokens = limits.length === 1 ? (limits[0] ?? 0) : 1_000_000_000;
  return { tokens, choices: Number(at(config, 'n') ?? at(config, 'candidateCount') ?? 1) };
}

function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function walk(value: unknown): { bytes: number; images: number; hour: boolean } {
  if (typeof value === 'string') {
    const isImage =
      value.startsWith('data:image/') || value.startsWith('https://x.example/') || value.startsWith('iVBOR');
    return { bytes: isImage ? 0 : Buffer.byteLength(value), images: isImage ? 1 : 0, hour: false };
  }
  if (typeof value !== 'object' || value === null) return { bytes: 1, images: 0, hour: false };
  const total = { bytes: 0, images: 0, hour: at(value, 'ttl') === '1h' };
  for (const [key, item] of Object.entries(value)) {
    const inner = walk(item);
    total.bytes += (Array.isArray(value) ? 0 : key.length) + inner.bytes;
    total.images += inner.images;
    total.hour ||= inner.hour;
  }
  return total;
}
