import { JsonValue } from '@openlegion/contract/json-value';

const MOST_DEPTH = 64;

/** Of a result, a payload or an input, as JSON. */
export const MOST_VALUE_CHARACTERS = 256 * 1024;

/** A value that came from outside, as plain JSON of a bounded size and depth; or what is wrong with it. */
export function parseBoundedJson(
  value: unknown,
): { ok: true; value: JsonValue } | { ok: false; problem: string } {
  if (isDeep(value, 0)) return { ok: false, problem: `it is nested deeper than ${MOST_DEPTH} levels` };
  const parsed = JsonValue.safeParse(value);
  if (!parsed.success) return { ok: false, problem: 'it is not JSON' };
  if (JSON.stringify(parsed.data).length > MOST_VALUE_CHARACTERS)
    return { ok: false, problem: `it is larger than ${MOST_VALUE_CHARACTERS} characters` };
  return { ok: true, value: parsed.data };
}

function isDeep(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth >= MOST_DEPTH || Object.values(value).some((inner) => isDeep(inner, depth + 1));
}
