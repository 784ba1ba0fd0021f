import { refuse } from '../refuse.ts';
import type { Check } from './check.ts';

const MEDIA = /^image\/(?:png|jpeg|gif|webp|heic|heif)$/;
const DATA_URL = /^data:(image\/[a-z]+);base64,/;

/**
 * An image by URL or as data. The provider fetches a URL, so only https is sent on; what it fetches is bounded by
 * the most one image can cost, as is data, whose bytes are therefore not counted as text.
 */
export const imageUrl: Check = (value, at, tally) => {
  if (typeof value !== 'string') throw bad(at);
  tally.images += 1;
  const data = DATA_URL.exec(value);
  if (data) {
    if (!MEDIA.test(data[1] ?? '') || !isBase64(value, data[0].length)) throw bad(at);
    tally.imageBytes += value.length - data[0].length;
    return value;
  }
  if (!value.startsWith('https://') || !URL.canParse(value) || value.length > 8192) throw bad(at);
  const url = new URL(value);
  if (url.username !== '' || url.password !== '') throw bad(at);
  return value;
};

/** Only https, fetched by the provider. */
export const remoteImage: Check = (value, at, tally) => {
  if (typeof value === 'string' && value.startsWith('data:')) throw bad(at);
  return imageUrl(value, at, tally);
};

export const imageData: Check = (value, at, tally) => {
  if (typeof value !== 'string' || !isBase64(value, 0)) throw bad(at);
  tally.images += 1;
  tally.imageBytes += value.length;
  return value;
};

export const imageMediaType: Check = (value, at) => {
  if (typeof value !== 'string' || !MEDIA.test(value)) throw bad(at);
  return value;
};

function isBase64(text: string, from: number): boolean {
  BASE64.lastIndex = from;
  return BASE64.test(text);
}

const BASE64 = /[A-Za-z0-9+/_-]+={0,2}$/y;

function bad(at: string) {
  return refuse(
    'denied',
    'llm.image',
    `${at}: only images are sent on, from an https URL without a password or as base64 data.`,
    'Send PNG, JPEG, GIF or WebP as data, or its https URL; turn other files into text first.',
  );
}
