import { clean, type PromptText } from './prompt-text.ts';
import { sanitise } from './sanitise.ts';

/** The same value with every string in it sanitised, keys too: written as JSON, an escape would hide what it is. */
export function cleanJson(value: unknown): unknown {
  if (typeof value === 'string') return sanitise(value);
  if (Array.isArray(value)) return value.map(cleanJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [sanitise(key), cleanJson(inner)]));
}

export function jsonText(value: unknown, indent = 0): PromptText {
  return clean(JSON.stringify(cleanJson(value), null, indent) ?? 'null');
}
