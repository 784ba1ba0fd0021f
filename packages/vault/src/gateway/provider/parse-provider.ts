import { isIP } from 'node:net';
import type { CatalogModel, CatalogProvider, Dialect, Price } from '@openlegion/contract/catalog';
import { integer, listOf, malformed, oneOf, type Parser, text } from '../../process/strict-parser.ts';
import { MODEL_ID } from '../dialect/dialect.ts';

const DIALECTS: { [D in Dialect]: true } = {
  'openai-chat': true,
  'openai-responses': true,
  anthropic: true,
  google: true,
};

/** An object of known fields, some of which may be absent; the contract's strict schemas by hand. */
function record(value: unknown, at: string, known: readonly string[]): Map<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(at, 'an object');
  const fields = new Map<string, unknown>(Object.entries(value));
  for (const key of fields.keys())
    if (!known.includes(key)) throw malformed(at, `no other fields than ${known.join(', ')}`);
  return fields;
}

function optional<T>(fields: Map<string, unknown>, key: string, parse: Parser<T>, at: string): T | undefined {
  return fields.has(key) ? parse(fields.get(key), `${at}.${key}`) : undefined;
}

/** $1,000 a million tokens is far above any list price, and keeps every product within a double's whole numbers. */
const microUsdPerMillion = integer(0, 1_000_000_000);

function parsePrice(value: unknown, at: string): Price {
  const fields = record(value, at, ['input', 'output', 'cacheRead', 'cacheWrite']);
  const cacheRead = optional(fields, 'cacheRead', microUsdPerMillion, at);
  const cacheWrite = optional(fields, 'cacheWrite', microUsdPerMillion, at);
  return {
    input: microUsdPerMillion(fields.get('input'), `${at}.input`),
    output: microUsdPerMillion(fields.get('output'), `${at}.output`),
    ...(cacheRead === undefined ? {} : { cacheRead }),
    ...(cacheWrite === undefined ? {} : { cacheWrite }),
  };
}

const modelId = text(200, MODEL_ID, 'a model id of letters, digits and @._:/+-');
const tokens = integer(1, 100_000_000);

function parseModel(value: unknown, at: string): CatalogModel {
  const known = ['id', 'contextTokens', 'maxOutputTokens', 'price', 'imageTokens', 'aliases'];
  const fields = record(value, at, known);
  const id = fields.get('id') === '*' ? '*' : modelId(fields.get('id'), `${at}.id`);
  const imageTokens = optional(fields, 'imageTokens', tokens, at);
  const aliases = optional(fields, 'aliases', listOf(modelId, 100), at);
  return {
    id,
    contextTokens: tokens(fields.get('contextTokens'), `${at}.contextTokens`),
    maxOutputTokens: tokens(fields.get('maxOutputTokens'), `${at}.maxOutputTokens`),
    price: parsePrice(fields.get('price'), `${at}.price`),
    ...(imageTokens === undefined ? {} : { imageTokens }),
    ...(aliases === undefined ? {} : { aliases }),
  };
}

function parseAuth(value: unknown, at: string): NonNullable<CatalogProvider['auth']> {
  const fields = record(value, at, ['header', 'scheme', 'credential']);
  return {
    header: oneOf(
      'authorization',
      'x-api-key',
      'x-goog-api-key',
      'api-key',
    )(fields.get('header'), `${at}.header`),
    scheme: oneOf('bearer', 'raw')(fields.get('scheme'), `${at}.scheme`),
    credential: text(
      120,
      /^OPENLEGION_SYSTEM_[A-Z0-9_]{1,100}$/,
      'OPENLEGION_SYSTEM_ and a name',
    )(fields.get('credential'), `${at}.credential`),
  };
}

/**
 * https anywhere, http only to this machine (a key in cleartext would leave it otherwise). Exactly as the URL parser
 * spells it, so that it is read the same way everywhere; no user, query or fragment.
 */
const baseUrl: Parser<string> = (value, at) => {
  const given = text(500)(value, at);
  const url = URL.canParse(given) ? new URL(given) : null;
  const spelled = url && (given === url.href || given === url.href.replace(/\/$/, ''));
  if (!url || !spelled || given.endsWith('/') || url.search || url.hash || url.username || url.password)
    throw malformed(at, 'a plain base URL without a slash at its end');
  if (!/^[A-Za-z0-9._/-]*$/.test(url.pathname)) throw malformed(at, 'a base URL whose path is plain');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    throw malformed(at, 'https, or http to this machine (127.0.0.1, [::1] or localhost)');
  return given;
};

/** `hostname` as the URL parser spells it: an IPv4 address in any notation has become four decimal numbers. */
export function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost' || hostname === '[::1]') return true;
  return isIP(hostname) === 4 && hostname.startsWith('127.');
}

/**
 * A provider as the contract's schema has it, and stricter where money or a key depends on it. Throws `bad_request`
 * naming the place. `socketPath` is refused: only this installation sets it.
 */
export function parseProvider(value: unknown, at: string): CatalogProvider {
  const fields = record(value, at, ['id', 'name', 'dialect', 'baseUrl', 'auth', 'models']);
  const auth = optional(fields, 'auth', parseAuth, at);
  const names = Object.keys(DIALECTS).filter((name): name is Dialect => Object.hasOwn(DIALECTS, name));
  const provider: CatalogProvider = {
    id: text(63, /^[a-z0-9][a-z0-9._-]{0,62}$/, 'a provider id')(fields.get('id'), `${at}.id`),
    name: text(100)(fields.get('name'), `${at}.name`),
    dialect: oneOf(...names)(fields.get('dialect'), `${at}.dialect`),
    baseUrl: baseUrl(fields.get('baseUrl'), `${at}.baseUrl`),
    ...(auth === undefined ? {} : { auth }),
    models: listOf(parseModel, 5000)(fields.get('models'), `${at}.models`),
  };
  const seen = new Set<string>();
  for (const name of provider.models.flatMap((model) => [model.id, ...(model.aliases ?? [])])) {
    if (seen.has(name))
      throw malformed(`${at}.models`, 'every id and alias once, so that each has one price');
    seen.add(name);
  }
  return provider;
}

export function parseProviderList(value: unknown): CatalogProvider[] {
  const fields = record(value, 'body', ['providers']);
  const providers = listOf(parseProvider, 500)(fields.get('providers'), 'providers');
  if (new Set(providers.map(({ id }) => id)).size !== providers.length)
    throw malformed('providers', 'every provider once');
  return providers;
}
