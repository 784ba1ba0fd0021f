const PLACEHOLDER = /\{\{([A-Za-z0-9_]{1,20})\}\}/g;

/** Names of the placeholders in every string of a value, however deep. */
export function placeholdersIn(value: unknown): string[] {
  if (typeof value === 'string') return Array.from(value.matchAll(PLACEHOLDER), (match) => match[1] ?? '');
  if (Array.isArray(value)) return value.flatMap(placeholdersIn);
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(placeholdersIn);
  return [];
}

/**
 * Puts values in place of the placeholders of every string, however deep; keys and other types are left. One
 * pass: a placeholder in a value that was put in stays text, so a message cannot pull the system prompt into an
 * answer.
 */
export function fillPlaceholders(value: string, values: ReadonlyMap<string, string>): string;
export function fillPlaceholders(value: unknown, values: ReadonlyMap<string, string>): unknown;
export function fillPlaceholders(value: unknown, values: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string')
    return value.replace(PLACEHOLDER, (written, name: string) => values.get(name) ?? written);
  if (Array.isArray(value)) return value.map((item) => fillPlaceholders(item, values));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, fillPlaceholders(item, values)]),
    );
  return value;
}
