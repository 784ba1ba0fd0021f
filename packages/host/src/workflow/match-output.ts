import type { OutputSchema } from '@openlegion/contract/workflow';

/** What is wrong with a value, or null. `path` begins the message. */
export function outputProblem(schema: OutputSchema, value: unknown, path = 'result'): string | null {
  if (schema.type !== undefined && !isOfType(schema.type, value))
    return `${path} is ${kindOf(value)}, not ${schema.type}`;
  if (schema.enum && !schema.enum.some((allowed) => allowed === value))
    return `${path} is none of its ${schema.enum.length} allowed values`;
  if (typeof value === 'number') {
    if (schema.minimum !== undefined && value < schema.minimum) return `${path} is below ${schema.minimum}`;
    if (schema.maximum !== undefined && value > schema.maximum) return `${path} is above ${schema.maximum}`;
  }
  if (typeof value === 'string' && schema.maxLength !== undefined && value.length > schema.maxLength)
    return `${path} is longer than ${schema.maxLength} characters`;
  if (Array.isArray(value)) {
    if (schema.maxItems !== undefined && value.length > schema.maxItems)
      return `${path} has more than ${schema.maxItems} entries`;
    return schema.items ? firstProblem(value.entries(), schema.items, path) : null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const fields = new Map(Object.entries(value));
  for (const name of schema.required ?? []) if (!fields.has(name)) return `${path}.${name} is missing`;
  const known = new Map(Object.entries(schema.properties ?? {}));
  for (const [name, field] of fields) {
    const inner = known.get(name);
    if (!inner && schema.additionalProperties === false)
      return `${path}.${name.slice(0, 100)} is not in the schema`;
    const problem = inner ? outputProblem(inner, field, `${path}.${name}`) : null;
    if (problem !== null) return problem;
  }
  return null;
}

function firstProblem(
  entries: Iterable<[number, unknown]>,
  schema: OutputSchema,
  path: string,
): string | null {
  for (const [index, value] of entries) {
    const problem = outputProblem(schema, value, `${path}[${index}]`);
    if (problem !== null) return problem;
  }
  return null;
}

function isOfType(type: NonNullable<OutputSchema['type']>, value: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  // A larger whole number would not be the one that was written.
  if (type === 'integer') return Number.isSafeInteger(value);
  return typeof value === type;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
