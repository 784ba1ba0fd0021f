import type { RegisterVariableOptions } from '@marcbachmann/cel-js';
import type { OutputSchema } from '@openlegion/contract/workflow';

type CelSchema = { [field: string]: string | CelSchema };

/** What the type checker knows of a variable. */
export function celTypeOf(schema: OutputSchema): RegisterVariableOptions {
  const type = fieldOf(schema);
  return typeof type === 'string' ? { type } : { schema: type };
}

function fieldOf(schema: OutputSchema): string | CelSchema {
  switch (schema.type) {
    case 'object': {
      const fields = Object.entries(schema.properties ?? {});
      if (fields.length === 0) return 'map';
      // Fields that are allowed but not described can only be known as dyn, and then so must be all.
      if (schema.additionalProperties === true) return 'dyn';
      return Object.fromEntries(fields.map(([name, field]) => [name, fieldOf(field)]));
    }
    case 'array': {
      const items = schema.items ? fieldOf(schema.items) : 'dyn';
      return typeof items === 'string' && /^(?:string|int|double|bool)$/.test(items)
        ? `list<${items}>`
        : 'list';
    }
    case 'integer':
      return 'int';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
    default:
      return 'dyn';
  }
}

/** A value of JSON as CEL takes it: whole numbers are int, except where the schema says `number`. */
export function celValueOf(value: unknown, schema: OutputSchema | undefined): unknown {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && schema?.type !== 'number' ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map((entry) => celValueOf(entry, schema?.items));
  if (typeof value !== 'object' || value === null) return value;
  const known = new Map(Object.entries(schema?.properties ?? {}));
  return new Map(Object.entries(value).map(([name, field]) => [name, celValueOf(field, known.get(name))]));
}

export function isLongList(value: unknown, most: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value) && value.length > most) return true;
  return Object.values(value).some((inner) => isLongList(inner, most));
}
