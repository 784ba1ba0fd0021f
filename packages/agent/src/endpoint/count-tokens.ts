import { IMAGE_TOKENS } from '../prompt/estimate-tokens.ts';

/** About what a token of English and of code is, in characters; an estimate, never what is billed. */
const CHARS_PER_TOKEN = 3.5;
/** A string as long as this without a space is the data of an image. */
const IMAGE_CHARS = 2000;

/** What a request is about to cost in input tokens, without asking anybody. */
export function countTokens(value: unknown): number {
  const { chars, images } = measure(value);
  return Math.max(1, Math.ceil(chars / CHARS_PER_TOKEN) + images * IMAGE_TOKENS);
}

function measure(value: unknown): { chars: number; images: number } {
  if (typeof value === 'string') {
    return value.length > IMAGE_CHARS && /^[A-Za-z0-9+/=:;,.-]+$/.test(value)
      ? { chars: 0, images: 1 }
      : { chars: value.length, images: 0 };
  }
  if (typeof value !== 'object' || value === null) return { chars: 1, images: 0 };
  const total = { chars: 0, images: 0 };
  for (const [name, inner] of Object.entries(value)) {
    const { chars, images } = measure(inner);
    total.chars += chars + (Array.isArray(value) ? 0 : name.length + 2);
    total.images += images;
  }
  return total;
}
