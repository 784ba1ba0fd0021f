import type { Json, JsonObject } from '../parse-json.ts';
import { quote, refuse } from '../refuse.ts';

/** What a body holds that costs more than its own bytes, counted while it is checked. */
export interface Tally {
  messages: number;
  tools: number;
  images: number;
  /** Bytes of the body that are an image's data: billed per image, not per byte. */
  imageBytes: number;
  /** A prompt cache of one hour was asked for: its writes cost twice the input price. */
  hourCache: boolean;
}

/**
 * One documented field: returns what is sent on (undefined: nothing), or throws the refusal. A field that no check
 * names is refused by `object`, so whatever a provider adds tomorrow is refused until it is listed here.
 */
export type Check = (value: Json, at: string, tally: Tally) => Json | undefined;

const MAX_LIST = 20_000;

function invalid(at: string, expected: string) {
  return refuse(
    'bad_request',
    ruleOf(at),
    `${at}: expected ${expected}.`,
    "See the provider's documentation of this field.",
  );
}

/** `messages[3].content` → `llm.field.messages.content`. */
function ruleOf(at: string): string {
  return `llm.field.${at.replace(/\[\d+\]/g, '').replace(/[^\x21-\x7e]/g, '?')}`;
}

export const text: Check = (value, at) => {
  if (typeof value !== 'string') throw invalid(at, 'a string');
  return value;
};

export const boolean: Check = (value, at) => {
  if (typeof value !== 'boolean') throw invalid(at, 'true or false');
  return value;
};

/** Any number: what the provider makes of it cannot change the bill. */
export const number: Check = (value, at) => {
  if (typeof value !== 'number') throw invalid(at, 'a number');
  return value;
};

export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Check {
  return (value, at) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max)
      throw invalid(at, `a whole number from ${min} to ${max}`);
    return value;
  };
}

export function oneOf(...allowed: (string | number | boolean)[]): Check {
  return (value, at) => {
    if (!allowed.some((item) => item === value)) throw invalid(at, `one of ${allowed.join(', ')}`);
    return value;
  };
}

/** JSON of the caller's own (a schema, arguments, metadata): billed by its bytes and nothing else. */
export const anything: Check = (value) => value;

export const anyObject: Check = (value, at) => {
  if (!isObject(value)) throw invalid(at, 'an object');
  return value;
};

export function list(check: Check, max = MAX_LIST): Check {
  return (value, at, tally) => {
    if (!Array.isArray(value)) throw invalid(at, 'a list');
    if (value.length > max) throw invalid(at, `at most ${max} entries`);
    return value.map((item, index) => required(check(item, `${at}[${index}]`, tally), `${at}[${index}]`));
  };
}

/** The first form whose JavaScript type fits decides; so the message is that form's own. */
export function stringOr(check: Check): Check {
  return (value, at, tally) => (typeof value === 'string' ? value : check(value, at, tally));
}

export function nullOr(check: Check): Check {
  return (value, at, tally) => (value === null ? null : check(value, at, tally));
}

export function listOrOne(check: Check): Check {
  const many = list(check);
  return (value, at, tally) => (Array.isArray(value) ? many(value, at, tally) : check(value, at, tally));
}

/** Accepted and not sent on: it has no effect here, and sent on it might. */
export function dropped(check: Check): Check {
  return (value, at, tally) => {
    check(value, at, tally);
    return undefined;
  };
}

/** Counts, then checks. */
export function counted(what: 'messages' | 'tools', check: Check): Check {
  return (value, at, tally) => {
    tally[what] += 1;
    return check(value, at, tally);
  };
}

/** A documented field that bills outside of what is seen here, or reaches what is not the caller's. */
export function refused(why: string, remedy = 'Leave this field out.'): Check {
  return (_value, at) => {
    throw refuse('denied', ruleOf(at), `${at} is refused: ${why}.`, remedy);
  };
}

/** As `refused`, but the value that switches the feature off is accepted, and not sent on. */
export function onlyOff(off: readonly (string | boolean)[], why: string, remedy?: string): Check {
  const refusal = refused(why, remedy);
  return (value, at, tally) => {
    if (off.some((item) => item === value)) return undefined;
    return refusal(value, at, tally);
  };
}

/** The same check for several fields, whose names are given in one line. */
export function each(check: Check, names: string): Record<string, Check> {
  return Object.fromEntries(names.split(' ').map((name) => [name, check]));
}

/** A variant of `tagged('type', …)`: its own fields beside its type, the first `required` of them by name. */
export function typed(fields: Record<string, Check>, ...required: string[]): Check {
  return object({ type: text, ...fields }, { required });
}

export interface ObjectOptions {
  required?: readonly string[];
  /** Protocol buffers' JSON accepts both spellings of a name: `max_output_tokens` is read as `maxOutputTokens`. */
  camelCase?: boolean;
}

/** Exactly the listed fields. A field that is null counts as absent unless its check accepts null. */
export function object(fields: Record<string, Check>, options: ObjectOptions = {}): Check {
  const known = new Map(Object.entries(fields));
  return (value, at, tally) => {
    if (!isObject(value)) throw invalid(at || 'the body', 'an object');
    const result: JsonObject = Object.create(null);
    for (const [given, item] of Object.entries(value)) {
      const key = options.camelCase && !known.has(given) ? camelCased(given) : given;
      const path = at === '' ? key : `${at}.${key}`;
      const check = known.get(key);
      if (!check) throw unknownField(at, given);
      if (key in result || (key !== given && key in value))
        throw invalid(path, 'this field once, in one spelling');
      const kept = item === null ? keepNull(check, path, tally) : check(item, path, tally);
      if (kept !== undefined) result[key] = kept;
    }
    for (const key of options.required ?? [])
      if (!(key in result)) throw invalid(at === '' ? key : `${at}.${key}`, 'a value: the field is missing');
    return result;
  };
}

const NULLABLE = new WeakSet<Check>();

/** A field whose null is sent on as null, since it means something (`content: null` beside tool calls). */
export function orNull(check: Check): Check {
  const wrapped: Check = (value, at, tally) => (value === null ? null : check(value, at, tally));
  NULLABLE.add(wrapped);
  return wrapped;
}

function keepNull(check: Check, at: string, tally: Tally): Json | undefined {
  return NULLABLE.has(check) ? check(null, at, tally) : undefined;
}

/** An object whose `key` says which of the variants it is. `refusedVariants` are known and named in the refusal. */
export function tagged(
  key: string,
  variants: Record<string, Check>,
  options: { missing?: string; refusedVariants?: (variant: string) => string | null } = {},
): Check {
  const known = new Map(Object.entries(variants));
  return (value, at, tally) => {
    if (!isObject(value)) throw invalid(at, 'an object');
    const tag = value[key] ?? options.missing;
    if (typeof tag !== 'string') throw invalid(`${at}.${key}`, `one of ${[...known.keys()].join(', ')}`);
    const check = known.get(tag);
    if (check) return check(value, at, tally);
    const why = options.refusedVariants?.(tag);
    const shown = tag.slice(0, 60);
    if (why)
      throw refuse(
        'denied',
        `${ruleOf(at)}.${shown.replace(/[^\w.-]/g, '?')}`,
        `${at}.${key} ${quote(tag)} is refused: ${why}.`,
        'Leave it out, or do the same with a tool of the agent.',
      );
    throw refuse(
      'denied',
      `${ruleOf(at)}.${key}`,
      `${at}.${key} ${quote(tag)} is not known to the gateway.`,
      `Use one of ${[...known.keys()].join(', ')}.`,
    );
  };
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function required(value: Json | undefined, at: string): Json {
  if (value === undefined) throw invalid(at, 'a value that can be sent on');
  return value;
}

function unknownField(at: string, key: string) {
  const path = at === '' ? key : `${at}.${key}`;
  return refuse(
    'denied',
    ruleOf(path.slice(0, 150)),
    `The field ${quote(path)} is not known to the gateway, so what it would cost is not known either.`,
    'Leave it out. If the provider documents it and it cannot change the bill, report it so that it is listed.',
  );
}

function camelCased(key: string): string {
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
