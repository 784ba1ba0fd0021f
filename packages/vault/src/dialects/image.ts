import type { Json } from '../process/parse-json.ts';
import { refusal } from '../process/refusal.ts';
import type { Check } from './field-checks.ts';

const MEDIA = /^image\/(?:png|jpeg|gif|webp|heic|heif)$/;
const DATA_URL = /^data:(image\/[a-z]+);base64,/;
const BASE64 = /[A-Za-z0-9+/_-]+={0,2}$/y;

const check = (accept: Check['check']): Check => ({
  fits: (value) => typeof value === 'string',
  check: accept,
});

/** The provider fetches a URL, so only https is sent on; what it fetches costs at most one image's ceiling. */
const url = check((value, at, tally) => {
  const given = typeof value === 'string' && value.length <= 8192 ? value : '';
  const parsed = given.startsWith('https://') && URL.canParse(given) ? new URL(given) : null;
  if (parsed?.username !== '' || parsed.password !== '') throw refusal('llm.image', { at });
  tally.images += 1;
  return given;
});

/** Bounded as one image too, so its bytes are not counted as text. */
const data = check((value, at, tally) => {
  if (!isBase64(value, 0)) throw refusal('llm.image', { at });
  tally.images += 1;
  tally.imageBytes += String(value).length;
  return value;
});

const either = check((value, at, tally) => {
  const [prefix, media] = typeof value === 'string' ? (DATA_URL.exec(value) ?? []) : [];
  if (prefix === undefined) return url.check(value, at, tally);
  if (!MEDIA.test(media ?? '') || !isBase64(value, prefix.length)) throw refusal('llm.image', { at });
  tally.images += 1;
  tally.imageBytes += String(value).length - prefix.length;
  return value;
});

const type = check((value, at) => {
  if (typeof value !== 'string' || !MEDIA.test(value)) throw refusal('llm.image', { at });
  return value;
});

function isBase64(value: Json, from: number): boolean {
  BASE64.lastIndex = from;
  return typeof value === 'string' && BASE64.test(value);
}

/** An image by URL or as data, one of the two, and its media type. */
export const IMAGE_CHECKS: readonly (readonly [string, Check])[] = [
  ['image', either],
  ['image url', url],
  ['image data', data],
  ['image type', type],
];
