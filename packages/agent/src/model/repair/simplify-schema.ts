import type { Dialect } from '@openlegion/contract/catalog';
import type { FunctionTool } from '../adapter.ts';

type Schema = FunctionTool['inputSchema'];
type Fields = Record<string, unknown>;

/** What is deeper or more than this is any value: a schema must not grow without bound by its references. */
const MAX_DEPTH = 24;
const MAX_NODES = 4000;
/** ai.google.dev/api/caching#Schema: taken as they are. */
const KEPT = ['title', 'description', 'type', 'minItems', 'maxItems', 'minimum', 'maximum', 'nullable'];
const FORMATS: readonly unknown[] = ['date-time', 'date', 'time', 'int32', 'int64', 'float', 'double'];
/** Not understood there, but worth telling the model. */
const TOLD = ['pattern', 'format', 'minLength', 'maxLength', 'multipleOf', 'uniqueItems', 'default'] as const;

interface Walk {
  root: unknown;
  /** References under way, so that one within itself ends. */
  refs: readonly string[];
  depth: number;
  nodes: { left: number };
  /** Within `allOf`, whose parts require what others of them describe. */
  partial?: boolean;
}

/**
 * A JSON schema in the subset that Google takes: references put in their place, `allOf` merged, `oneOf` as `anyOf`,
 * constants as enumerations; what has no field there is told in the description.
 */
export function simplifySchema(schema: Schema): Schema {
  return walk(schema, { root: schema, refs: [], depth: 0, nodes: { left: MAX_NODES } }) as Schema;
}

/** A tool's schema: an object at the top for every dialect, simplified for Google. */
export function objectSchema(schema: Schema, dialect: Dialect): Schema {
  const plain =
    schema.type === 'object' &&
    !['$ref', 'anyOf', 'oneOf', 'allOf', 'enum', 'not'].some((key) => key in schema);
  if (plain && dialect !== 'google') return schema;
  const simple: Fields = { ...(simplifySchema(schema) as Fields) };
  const { anyOf, type: _type, enum: _enum, items: _items, ...rest } = simple;
  const variants = list(anyOf).filter(isFields);
  const required = variants.map((variant) => list(variant.required));
  return {
    ...rest,
    type: 'object',
    properties: Object.assign({}, ...variants.map(({ properties }) => properties), simple.properties),
    // Of several forms, only what all of them require is required.
    ...requiredOf([
      ...list(simple.required),
      ...(required[0] ?? []).filter((name) => required.every((names) => names.includes(name))),
    ]),
  } as Schema;
}

function walk(value: unknown, { root, refs, depth, nodes, partial = false }: Walk): Fields {
  nodes.left -= 1;
  if (!isFields(value) || depth > MAX_DEPTH || nodes.left < 0) return {};
  const inner = (inside: unknown, more: readonly string[] = refs, within = false) =>
    walk(inside, { root, refs: more, depth: depth + 1, nodes, partial: within });
  if (typeof value.$ref === 'string') {
    const { $ref, ...beside } = value;
    const target = refs.includes($ref) ? undefined : resolve(root, $ref);
    if (!isFields(target)) return described(inner(beside), 'the same form again');
    return inner({ ...target, ...beside }, [...refs, $ref], partial);
  }
  const out: Fields = {};
  for (const key of KEPT) if (value[key] !== undefined) out[key] = value[key];
  const told: string[] = [];
  for (const key of TOLD) {
    if (key === 'format' && FORMATS.includes(value.format)) out.format = value.format;
    else if (value[key] !== undefined) told.push(`${key}: ${JSON.stringify(value[key])}`);
  }
  bounds(value, out);
  enumerate(value, out, told);
  if (isFields(value.properties)) {
    const properties = Object.entries(value.properties);
    out.properties = Object.fromEntries(properties.map(([name, property]) => [name, inner(property)]));
  }
  const { items, prefixItems, additionalProperties: values } = value;
  const tuple = Array.isArray(items) ? items : list(prefixItems);
  if (tuple.length > 0) out.items = unite(tuple.map((item) => inner(item)));
  else if (items !== undefined) out.items = inner(items);
  if (isFields(values) && Object.keys(values).length > 0)
    told.push(`each further value: ${JSON.stringify(inner(values))}`);
  for (const part of list(value.allOf)) join(out, inner(part, refs, true));
  const variants = [...list(value.anyOf), ...list(value.oneOf)].map((variant) => inner(variant));
  if (variants.length > 0) join(out, unite(variants));
  if (list(value.required).length > 0) join(out, { required: value.required });
  if ('required' in out && !partial) {
    const { required, ...others } = out;
    const known = isFields(out.properties) ? Object.keys(out.properties) : [];
    return described(
      { ...others, ...requiredOf(list(required).filter((name) => known.includes(String(name)))) },
      ...told,
    );
  }
  return described(out, ...told);
}

function bounds(value: Fields, out: Fields): void {
  const step = value.type === 'integer' ? 1 : 0;
  if (typeof value.exclusiveMinimum === 'number') out.minimum ??= value.exclusiveMinimum + step;
  if (typeof value.exclusiveMaximum === 'number') out.maximum ??= value.exclusiveMaximum - step;
}

/** Only strings can be enumerated there. */
function enumerate(value: Fields, out: Fields, told: string[]): void {
  const all = 'const' in value ? [value.const] : list(value.enum);
  if (all.length === 0) return;
  const some = all.filter((item) => item !== null);
  if (some.every((item) => typeof item === 'string') && some.length > 0) {
    out.type = some.length < all.length ? ['string', 'null'] : (out.type ?? 'string');
    out.enum = some;
  } else told.push(`one of: ${all.map((item) => JSON.stringify(item)).join(', ')}`);
}

/** Forms of which one holds: enumerations are one enumeration, "or null" is a type, the rest `anyOf`. */
function unite(variants: readonly Fields[]): Fields {
  const forms = variants.filter(({ type }) => type !== 'null');
  const nullable = forms.length < variants.length;
  const [first] = forms;
  let united: Fields;
  if (first && forms.length > 1 && forms.every((form) => form.type === 'string' && Array.isArray(form.enum)))
    united = { ...first, enum: [...new Set(forms.flatMap((form) => list(form.enum)))] };
  else if (first && forms.length === 1) united = first;
  else return variants.length === 0 ? {} : { anyOf: [...variants] };
  if (!nullable) return united;
  return typeof united.type === 'string'
    ? { ...united, type: [united.type, 'null'] }
    : { anyOf: [united, { type: 'null' }] };
}

function join(out: Fields, part: Fields): void {
  const { properties, required, description, anyOf, ...others } = part;
  Object.assign(out, others);
  if (isFields(properties))
    out.properties = { ...(isFields(out.properties) ? out.properties : {}), ...properties };
  if (required) out.required = [...list(out.required), ...list(required)];
  if (anyOf) out.anyOf = [...list(out.anyOf), ...list(anyOf)];
  out.description ??= description;
  if (out.description === undefined) delete out.description;
}

function described(schema: Fields, ...told: string[]): Fields {
  if (told.length === 0) return schema;
  const said = typeof schema.description === 'string' ? `${schema.description} ` : '';
  return { ...schema, description: `${said}(${told.join('; ')})` };
}

function requiredOf(names: readonly unknown[]): { required?: unknown[] } {
  return names.length === 0 ? {} : { required: [...new Set(names)] };
}

/** A pointer within the schema (RFC 6901); nothing outside of it is ever fetched. */
function resolve(root: unknown, ref: string): unknown {
  if (ref === '#') return root;
  if (!ref.startsWith('#/')) return undefined;
  let at = root;
  for (const step of ref.slice(2).split('/')) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    at = Array.isArray(at) ? at[Number(key)] : isFields(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return at;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
