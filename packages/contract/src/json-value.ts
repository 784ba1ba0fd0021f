import { z } from 'zod';

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

const DEPTH = 64;

/**
 * Any JSON that can be stored and given back as it was: at most 64 levels deep, numbers finite, no key `__proto__`.
 * Its size is for whoever stores it to bound.
 */
export const JsonValue = z.custom<JsonValue>(
  isJson,
  'JSON, at most 64 levels deep, numbers finite, no key "__proto__"',
);

/** Without recursion: a value nested a hundred thousand levels deep must be an answer, not an exhausted stack. */
function isJson(root: unknown): boolean {
  const open: { value: unknown; depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, depth } = next;
    if (value === null || typeof value === 'boolean' || typeof value === 'string') continue;
    if (typeof value === 'number' && Number.isFinite(value)) continue;
    if (typeof value !== 'object' || depth >= DEPTH || Object.hasOwn(value, '__proto__')) return false;
    for (const inner of Object.values(value)) open.push({ value: inner, depth: depth + 1 });
  }
  return true;
}
