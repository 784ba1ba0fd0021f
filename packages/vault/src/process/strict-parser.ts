import { VaultError } from './vault-error.ts';

/**
 * Strict parsers for what comes from outside the process: the vault has no schema library. `at` is the place in the
 * value, for the message; empty at its top. A message never quotes the value, nor a key that is not ours: either may hold a secret.
 */
export type Parser<T> = (value: unknown, at: string) => T;

/** The refusal every parser throws. */
export function malformed(at: string, expected: string): VaultError {
  return new VaultError({
    code: 'bad_request',
    rule: 'protocol.shape',
    message: `${at || 'It'}: expected ${expected}.`,
    remedy: 'Correct it. If OpenLegion itself sent it, its parts are of different versions: start it again.',
  });
}

/** Exactly these keys, each once and present. */
export function strictObject<T extends object>(shape: { [K in keyof T]-?: Parser<T[K]> }): Parser<T> {
  const entries = Object.entries(shape) as [string, Parser<unknown>][];
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(at, 'an object');
    const isExact = Object.keys(value).length === entries.length;
    if (!isExact || entries.some(([key]) => !Object.hasOwn(value, key)))
      throw malformed(at, `an object of exactly ${entries.map(([key]) => key).join(', ') || 'no keys'}`);
    // Own keys are those of the shape, all of them and no other, so the object is a T once each has parsed.
    const parsed: Record<string, unknown> = {};
    for (const [key, parse] of entries)
      parsed[key] = parse(Reflect.get(value, key), at ? `${at}.${key}` : key);
    return parsed as T;
  };
}

/** All keys of `required`, any of `optional`, and no other. */
export function objectOf<R extends object, O extends object>(
  required: { [K in keyof R]-?: Parser<R[K]> },
  optional: { [K in keyof O]-?: Parser<O[K]> },
): Parser<R & Partial<O>> {
  const entries = Object.entries({ ...required, ...optional }) as [string, Parser<unknown>][];
  const known = entries.map(([key]) => key);
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(at, 'an object');
    const given = new Map<string, unknown>(Object.entries(value));
    for (const key of given.keys())
      if (!known.includes(key)) throw malformed(at, `no other fields than ${known.join(', ')}`);
    const there = entries.filter(([key]) => given.has(key) || Object.hasOwn(required, key));
    // Each key is of one shape or the other and has parsed, or it is optional and not there.
    return Object.fromEntries(
      there.map(([key, parse]) => [key, parse(given.get(key), at ? `${at}.${key}` : key)]),
    ) as R & Partial<O>;
  };
}

/** A whole number that a double represents exactly; `-0` becomes `0`. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Parser<number> {
  return (value, at) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max)
      throw malformed(at, `a whole number from ${min} to ${max}`);
    return value + 0;
  };
}

/** A string of at most `max` UTF-16 units; `pattern`, if given, must match. */
export function text(max: number, pattern?: RegExp, expected?: string): Parser<string> {
  return (value, at) => {
    if (typeof value !== 'string' || value.length > max) throw malformed(at, `a string of at most ${max}`);
    if (pattern && !pattern.test(value)) throw malformed(at, expected ?? `a string like ${pattern}`);
    return value;
  };
}

/** Visible ASCII alone. */
export const visible = (max: number): Parser<string> =>
  text(max, /^[\x21-\x7e]*$/, 'visible ASCII characters');

/** Standard base64 with its padding, at most `max` characters. */
export const base64 = (max: number): Parser<string> =>
  text(max, /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'base64');

export const boolean: Parser<boolean> = (value, at) => {
  if (typeof value !== 'boolean') throw malformed(at, 'true or false');
  return value;
};

export function oneOf<const T extends string>(...allowed: T[]): Parser<T> {
  return (value, at) => {
    const found = allowed.find((item) => item === value);
    if (found === undefined) throw malformed(at, `one of ${allowed.join(', ')}`);
    return found;
  };
}

export function nullable<T>(parse: Parser<T>): Parser<T | null> {
  return (value, at) => (value === null ? null : parse(value, at));
}

export function listOf<T>(parse: Parser<T>, max: number): Parser<T[]> {
  return (value, at) => {
    if (!Array.isArray(value) || value.length > max) throw malformed(at, `a list of at most ${max}`);
    return value.map((item: unknown, index) => parse(item, `${at}[${index}]`));
  };
}

/** An object as a map: its keys are outside strings, so it does not stay an object. */
export function mapOf<T>(parseKey: Parser<string>, parse: Parser<T>, max: number): Parser<Map<string, T>> {
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(at, 'an object');
    const entries = Object.entries(value);
    if (entries.length > max) throw malformed(at, `an object of at most ${max} keys`);
    return new Map(entries.map(([key, item]) => [parseKey(key, `${at} key`), parse(item, `${at}.*`)]));
  };
}
