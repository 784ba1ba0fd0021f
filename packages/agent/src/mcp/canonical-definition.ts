const MAX_DEPTH = 40;
const MAX_CHARS = 24_000;

/**
 * Everything of a definition that a model could be shown, as one text: the same for the same definition, in whatever
 * order its fields came. Null for what is too large or too deep to be pinned, and so is not offered.
 */
export function canonicalDefinition(tool: {
  name: string;
  description: unknown;
  inputSchema: unknown;
}): string | null {
  const sorted = sort(
    { description: tool.description ?? '', inputSchema: tool.inputSchema, name: tool.name },
    0,
  );
  if (sorted === TOO_DEEP) return null;
  const text = JSON.stringify(sorted);
  return text.length <= MAX_CHARS ? text : null;
}

const TOO_DEEP = Symbol('too deep');

/** As a list of pairs, which holds `__proto__` like any other name. */
function sort(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return TOO_DEEP;
  if (Array.isArray(value)) {
    const parts = value.map((part) => sort(part, depth + 1));
    return parts.includes(TOO_DEEP) ? TOO_DEEP : parts;
  }
  const entries = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, part]) => [name, sort(part, depth + 1)] as const);
  if (entries.some(([, part]) => part === TOO_DEEP)) return TOO_DEEP;
  return Object.fromEntries(entries);
}
