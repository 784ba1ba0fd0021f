import { refusal } from './refusal.ts';

export type Json = null | boolean | number | string | Json[] | JsonObject;
/** Never with a key named `__proto__`: any other key is only data. */
export interface JsonObject {
  [key: string]: Json;
}

const MAX_DEPTH = 64;
const MAX_VALUES = 200_000;
// ignoreBOM keeps a byte order mark in the text, where the grammar refuses it.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/**
 * RFC 8259 without its freedoms, so that what we decide on is what the provider will read: UTF-8 without a byte
 * order mark, no key twice, no `__proto__`, no lone surrogate, no whole number that a double cannot hold exactly, at
 * most 64 levels and 200,000 values. Throws `bad_request`, rule `llm.json`.
 */
export function parseJson(bytes: Buffer): Json {
  let parsed: Json;
  try {
    parsed = JSON.parse(UTF8.decode(bytes));
  } catch {
    // The engine's message quotes the text.
    throw refusal('llm.json', { what: 'it is not JSON in UTF-8' });
  }
  const found = { values: 0, keys: 0 };
  inspect(parsed, 0, found);
  // A key that came twice is one key of the object and two colons of the text.
  if (found.keys !== countKeys(bytes)) throw refusal('llm.json', { what: 'a key that comes twice' });
  return parsed;
}

function inspect(value: Json, depth: number, found: { values: number; keys: number }): void {
  found.values += 1;
  if (found.values > MAX_VALUES) throw refusal('llm.json', { what: `more than ${MAX_VALUES} values` });
  if (depth > MAX_DEPTH) throw refusal('llm.json', { what: `deeper than ${MAX_DEPTH} levels` });
  if (typeof value === 'string') inspectText(value);
  else if (typeof value === 'number') inspectNumber(value);
  else if (Array.isArray(value)) for (const item of value) inspect(item, depth + 1, found);
  else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      found.keys += 1;
      if (key === '__proto__') throw refusal('llm.json', { what: 'the key __proto__' });
      inspectText(key);
      inspect(value[key] ?? null, depth + 1, found);
    }
  }
}

function inspectText(text: string): void {
  if (!text.isWellFormed()) throw refusal('llm.json', { what: 'a lone surrogate' });
}

/** From 1e21 on a number is written with its exponent, and so was not meant to be exact. */
function inspectNumber(value: number): void {
  const inexact = Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21;
  if (!Number.isFinite(value) || inexact) throw refusal('llm.json', { what: 'a number that is too large' });
}

/** Colons outside of strings, of a text that is JSON: one for each key. */
function countKeys(bytes: Buffer): number {
  let keys = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] === COLON) keys += 1;
    else if (bytes[at] === QUOTE) {
      at = bytes.indexOf(QUOTE, at + 1);
      while (isEscaped(bytes, at)) at = bytes.indexOf(QUOTE, at + 1);
    }
  }
  return keys;
}

function isEscaped(bytes: Buffer, at: number): boolean {
  let slashes = 0;
  while (bytes[at - 1 - slashes] === BACKSLASH) slashes += 1;
  return slashes % 2 === 1;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
