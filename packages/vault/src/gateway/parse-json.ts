import { refuse } from './refuse.ts';

export type Json = null | boolean | number | string | Json[] | JsonObject;
/** Made without a prototype, and never with a key named `__proto__`: any other key is only data. */
export interface JsonObject {
  [key: string]: Json;
}

const MAX_DEPTH = 64;
const MAX_VALUES = 200_000;
// Control characters are what RFC 8259 forbids inside a string.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const SPACE = /[ \t\n\r]*/y;
const ESCAPES = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

/**
 * RFC 8259 without its freedoms, so that what we decide on is what the provider will read: UTF-8 without a byte
 * order mark, no key twice, no `__proto__`, no lone surrogate, no number that a double cannot hold (whole numbers
 * exactly), at most 64 levels and 200,000 values. Throws `bad_request`, rule `llm.json`.
 */
export function parseJson(bytes: Uint8Array): Json {
  const text = decode(bytes);
  let at = 0;
  let values = 0;

  function fail(what: string): never {
    throw refuse(
      'bad_request',
      'llm.json',
      `The body is not acceptable JSON: ${what} at character ${at}.`,
      REMEDY,
    );
  }

  function skipSpace(): void {
    SPACE.lastIndex = at;
    SPACE.test(text);
    at = SPACE.lastIndex;
  }

  function value(depth: number): Json {
    values += 1;
    if (values > MAX_VALUES) fail(`more than ${MAX_VALUES} values`);
    if (depth > MAX_DEPTH) fail(`deeper than ${MAX_DEPTH} levels`);
    const first = text[at];
    if (first === '"') return string();
    if (first === '{') return object(depth);
    if (first === '[') return array(depth);
    if (first === 't') return word('true', true);
    if (first === 'f') return word('false', false);
    if (first === 'n') return word('null', null);
    return number();
  }

  function word<T extends boolean | null>(name: string, meaning: T): T {
    if (!text.startsWith(name, at)) fail('an unknown word');
    at += name.length;
    return meaning;
  }

  function number(): number {
    NUMBER.lastIndex = at;
    const found = NUMBER.exec(text)?.[0];
    if (found === undefined) fail('something that is no value');
    const parsed = Number(found);
    const whole = !/[.eE]/.test(found);
    if (!Number.isFinite(parsed) || (whole && !Number.isSafeInteger(parsed)))
      fail('a number that is too large');
    at += found.length;
    return parsed;
  }

  function string(): string {
    at += 1;
    let whole = '';
    for (;;) {
      PLAIN.lastIndex = at;
      const plain = PLAIN.exec(text)?.[0] ?? '';
      whole += plain;
      at += plain.length;
      const next = text[at];
      if (next === '"') break;
      if (next !== '\\') fail('an unfinished string or a raw control character');
      whole += escaped();
    }
    at += 1;
    if (!whole.isWellFormed()) fail('a lone surrogate');
    return whole;
  }

  function escaped(): string {
    const kind = text[at + 1] ?? '';
    if (kind === 'u') {
      const hex = text.slice(at + 2, at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) fail('a broken escape');
      at += 6;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    const meaning = ESCAPES.get(kind);
    if (meaning === undefined) fail('a broken escape');
    at += 2;
    return meaning;
  }

  function object(depth: number): JsonObject {
    const result: JsonObject = Object.create(null);
    at += 1;
    skipSpace();
    if (text[at] === '}') {
      at += 1;
      return result;
    }
    for (;;) {
      if (text[at] !== '"') fail('a key that is no string');
      const key = string();
      if (key === '__proto__') fail('the key __proto__');
      if (key in result) fail('a key that comes twice');
      skipSpace();
      if (text[at] !== ':') fail('a missing colon');
      at += 1;
      skipSpace();
      result[key] = value(depth + 1);
      skipSpace();
      const next = text[at];
      at += 1;
      if (next === '}') return result;
      if (next !== ',') fail('a missing comma');
      skipSpace();
    }
  }

  function array(depth: number): Json[] {
    const result: Json[] = [];
    at += 1;
    skipSpace();
    if (text[at] === ']') {
      at += 1;
      return result;
    }
    for (;;) {
      result.push(value(depth + 1));
      skipSpace();
      const next = text[at];
      at += 1;
      if (next === ']') return result;
      if (next !== ',') fail('a missing comma');
      skipSpace();
    }
  }

  skipSpace();
  const result = value(0);
  skipSpace();
  if (at !== text.length) fail('something after the end');
  return result;
}

const REMEDY = 'Send one JSON object in UTF-8, each key once.';

function decode(bytes: Uint8Array): string {
  try {
    // ignoreBOM keeps a byte order mark in the text, where the grammar refuses it.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse('bad_request', 'llm.json', 'The body is not UTF-8.', REMEDY);
  }
}
