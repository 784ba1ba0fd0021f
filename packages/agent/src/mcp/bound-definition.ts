import { sanitise } from '../prompt/sanitise.ts';

/** Of a whole definition, as JSON. */
const SCHEMA_CHARS = 16 * 1024;
export const DESCRIPTION_CHARS = 1024;
const INNER_DESCRIPTION_CHARS = 300;
const MAX_DEPTH = 12;
const MAX_NODES = 1000;
const MAX_ENUM = 200;
const MAX_STRING = 200;

export type Bounded =
  | { ok: true; description: string; inputSchema: Record<string, unknown> }
  | { ok: false; problem: string };

/**
 * What others wrote about a tool, made fit for a prompt: text sanitised and cut, the schema rebuilt from the keywords
 * that tell a model what to write. References within it are put in place; one that leads into itself or elsewhere is
 * any value. `pattern` goes, so that nobody downstream runs it. Refused is what would have to be changed in meaning: a
 * schema that is too large or too deep, or that names properties with invisible or special characters.
 */
export function boundDefinition(description: unknown, schema: unknown): Bounded {
  if (!isFields(schema)) return { ok: false, problem: 'its schema is not an object' };
  const walk: Walk = { root: schema, refs: [], depth: 0, nodes: { left: MAX_NODES } };
  try {
    const inputSchema = { ...rebuild(schema, walk), type: 'object' };
    const chars = JSON.stringify(inputSchema).length;
    if (chars > SCHEMA_CHARS)
      return { ok: false, problem: `its schema has ${chars} characters; ${SCHEMA_CHARS} are the limit` };
    return { ok: true, description: shown(description, DESCRIPTION_CHARS), inputSchema };
  } catch (error) {
    if (error instanceof Unusable) return { ok: false, problem: error.message };
    throw error;
  }
}

/** Text of others for a prompt: one that is not text is empty. */
export function shown(text: unknown, maxChars: number): string {
  if (typeof text !== 'string') return '';
  // Cut first: what is sanitised is bounded, whatever came.
  const clean = sanitise(text.slice(0, maxChars * 4)).trim();
  return clean.length <= maxChars ? clean : `${clean.slice(0, maxChars - 1)}…`;
}

interface Walk {
  root: unknown;
  refs: readonly string[];
  depth: number;
  nodes: { left: number };
}

class Unusable extends Error {}

type Fields = Record<string, unknown>;
type Rebuild = (value: unknown, walk: Walk) => unknown;

const number: Rebuild = (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);
const flag: Rebuild = (value) => (typeof value === 'boolean' ? value : undefined);
const inner: Rebuild = (value, walk) => (typeof value === 'boolean' ? value : rebuild(value, walk));
const all: Rebuild = (value, walk) =>
  Array.isArray(value) ? value.slice(0, MAX_ENUM).map((part) => rebuild(part, walk)) : undefined;
const text: Rebuild = (value) => shown(value, INNER_DESCRIPTION_CHARS) || undefined;
const word: Rebuild = (value) =>
  typeof value === 'string' && /^[A-Za-z][A-Za-z0-9-]{0,31}$/.test(value) ? value : undefined;

const KEYWORDS: ReadonlyMap<string, Rebuild> = new Map<string, Rebuild>([
  [
    'type',
    (value, walk) =>
      Array.isArray(value) ? value.slice(0, 7).map((one) => word(one, walk)) : word(value, walk),
  ],
  ['description', text],
  ['title', text],
  ['format', word],
  ['properties', properties],
  ['required', names],
  ['additionalProperties', inner],
  ['items', inner],
  ['prefixItems', all],
  ['anyOf', all],
  ['oneOf', all],
  ['allOf', all],
  ['enum', enumeration],
  ['const', scalar],
  ['default', scalar],
  ['minimum', number],
  ['maximum', number],
  ['exclusiveMinimum', number],
  ['exclusiveMaximum', number],
  ['multipleOf', number],
  ['minLength', number],
  ['maxLength', number],
  ['minItems', number],
  ['maxItems', number],
  ['uniqueItems', flag],
  ['nullable', flag],
]);

function rebuild(value: unknown, walk: Walk): Fields {
  walk.nodes.left -= 1;
  if (walk.nodes.left < 0) throw new Unusable(`its schema has more than ${MAX_NODES} parts`);
  if (walk.depth > MAX_DEPTH) throw new Unusable(`its schema is deeper than ${MAX_DEPTH}`);
  if (!isFields(value)) return {};
  const { $ref } = value;
  if (typeof $ref === 'string') {
    if (walk.refs.includes($ref)) return {};
    const target = resolve(walk.root, $ref);
    return target === undefined
      ? {}
      : rebuild(target, { ...walk, refs: [...walk.refs, $ref], depth: walk.depth + 1 });
  }
  const next = { ...walk, depth: walk.depth + 1 };
  const rebuilt: Fields = {};
  for (const [keyword, take] of KEYWORDS) {
    if (!Object.hasOwn(value, keyword)) continue;
    const taken = take(value[keyword], next);
    if (taken !== undefined) rebuilt[keyword] = taken;
  }
  return rebuilt;
}

/** `#/$defs/a`, within the same schema alone. */
function resolve(root: unknown, reference: string): unknown {
  if (!reference.startsWith('#/') || reference.length > 300) return reference === '#' ? root : undefined;
  let place: unknown = root;
  for (const part of reference.slice(2).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof place !== 'object' || place === null || !Object.hasOwn(place, name)) return undefined;
    place = Reflect.get(place, name);
  }
  return place;
}

function properties(value: unknown, walk: Walk): Fields | undefined {
  if (!isFields(value)) return undefined;
  const entries = Object.entries(value);
  if (entries.length > MAX_NODES) throw new Unusable(`its schema has more than ${MAX_NODES} parts`);
  return Object.fromEntries(
    entries.map(([name, schema]) => [
      propertyName(name),
      typeof schema === 'boolean' ? {} : rebuild(schema, walk),
    ]),
  );
}

function names(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  if (value.length > MAX_NODES) throw new Unusable(`its schema has more than ${MAX_NODES} parts`);
  return value.filter((name): name is string => typeof name === 'string').map(propertyName);
}

function propertyName(name: string): string {
  const plain = /^[\p{L}\p{N}_$.@/ :-]{1,64}$/u.test(name) && sanitise(name) === name;
  if (plain && !['__proto__', 'constructor', 'prototype'].includes(name)) return name;
  throw new Unusable(
    `its schema names a property that cannot be shown as it is: ${JSON.stringify(sanitise(name.slice(0, 60)))}`,
  );
}

/** A longer one, or one with values that would read otherwise once sanitised, is any value of its type. */
function enumeration(value: unknown): unknown[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_ENUM) return undefined;
  const values = value.map(scalar);
  return values.includes(undefined) ? undefined : values;
}

function scalar(value: unknown): unknown {
  if (typeof value === 'string')
    return value.length <= MAX_STRING && sanitise(value) === value ? value : undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'boolean' || value === null ? value : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
