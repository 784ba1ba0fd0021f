import { isIP } from 'node:net';
import type { CatalogModel, CatalogProvider, Dialect, Price } from '@openlegion/contract/catalog';
import {
  boolean,
  integer,
  listOf,
  malformed,
  oneOf,
  type Parser,
  text,
} from '../../process/strict-parser.ts';
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
const tokens = integer(1, 100_000_000);

const CACHE_PRICES = ['cacheRead', 'cacheWrite'] as const;
const AUDIO_PRICES = ['audioInput', 'audioOutput'] as const;

/** Input and output, and those of the further classes that are given. */
function prices<K extends string>(fields: Map<string, unknown>, further: readonly K[], at: string) {
  const given = further.flatMap((key) => {
    const price = optional(fields, key, microUsdPerMillion, at);
    return price === undefined ? [] : [[key, price] as const];
  });
  return {
    input: microUsdPerMillion(fields.get('input'), `${at}.input`),
    output: microUsdPerMillion(fields.get('output'), `${at}.output`),
    // The keys are those of `further`.
    ...(Object.fromEntries(given) as { [key in K]?: number }),
  };
}

type Tier = NonNullable<Price['tiers']>[number];

const parseTier: Parser<Tier> = (value, at) => {
  const fields = record(value, at, ['aboveInputTokens', 'input', 'output', ...CACHE_PRICES]);
  const aboveInputTokens = tokens(fields.get('aboveInputTokens'), `${at}.aboveInputTokens`);
  return { aboveInputTokens, ...prices(fields, CACHE_PRICES, at) };
};

const parseTiers: Parser<Tier[]> = (value, at) => {
  const tiers = listOf(parseTier, 10)(value, at);
  if (tiers.some((tier, index) => tier.aboveInputTokens <= (tiers[index - 1]?.aboveInputTokens ?? 0)))
    throw malformed(at, 'tiers in ascending order');
  return tiers;
};

function parsePrice(value: unknown, at: string): Price {
  const further = [...CACHE_PRICES, ...AUDIO_PRICES];
  const fields = record(value, at, ['input', 'output', ...further, 'tiers']);
  const tiers = optional(fields, 'tiers', parseTiers, at);
  return { ...prices(fields, further, at), ...(tiers === undefined ? {} : { tiers }) };
}

const modelId = text(200, MODEL_ID, 'a model id of letters, digits and @._:/+-');
const parseCapability = oneOf('tools', 'vision', 'reasoning', 'structured_output', 'embedding', 'audio');
const MODEL_FIELDS = [
  'id',
  'contextTokens',
  'maxOutputTokens',
  'price',
  'imageTokens',
  'aliases',
  'capabilities',
];

function parseModel(value: unknown, at: string): CatalogModel {
  const fields = record(value, at, MODEL_FIELDS);
  const id = fields.get('id') === '*' ? '*' : modelId(fields.get('id'), `${at}.id`);
  const imageTokens = optional(fields, 'imageTokens', tokens, at);
  const aliases = optional(fields, 'aliases', listOf(modelId, 100), at);
  const capabilities = optional(fields, 'capabilities', listOf(parseCapability, 20), at);
  return {
    id,
    contextTokens: tokens(fields.get('contextTokens'), `${at}.contextTokens`),
    maxOutputTokens: tokens(fields.get('maxOutputTokens'), `${at}.maxOutputTokens`),
    price: parsePrice(fields.get('price'), `${at}.price`),
    ...(imageTokens === undefined ? {} : { imageTokens }),
    ...(aliases === undefined ? {} : { aliases }),
    ...(capabilities === undefined ? {} : { capabilities }),
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

const PROVIDER_FIELDS = 'id name dialect baseUrl configured environment local auth models'.split(' ');
const environmentName = text(100, /^[A-Z0-9_]+$/, 'the name of an environment variable');

/**
 * A provider as the contract's schema has it, and stricter where money or a key depends on it. Throws `bad_request`
 * naming the place. `socketPath` is refused: only this installation sets it. An empty `baseUrl` is only taken with
 * `configured`; such a provider cannot be called.
 */
export function parseProvider(value: unknown, at: string): CatalogProvider {
  const fields = record(value, at, PROVIDER_FIELDS);
  const auth = optional(fields, 'auth', parseAuth, at);
  const configured = optional(fields, 'configured', boolean, at);
  const environment = optional(fields, 'environment', listOf(environmentName, 20), at);
  const local = optional(fields, 'local', boolean, at);
  const names = Object.keys(DIALECTS).filter((name): name is Dialect => Object.hasOwn(DIALECTS, name));
  const address = fields.get('baseUrl');
  const provider: CatalogProvider = {
    id: text(63, /^[a-z0-9][a-z0-9._-]{0,62}$/, 'a provider id')(fields.get('id'), `${at}.id`),
    name: text(100)(fields.get('name'), `${at}.name`),
    dialect: oneOf(...names)(fields.get('dialect'), `${at}.dialect`),
    baseUrl: configured === true && address === '' ? '' : baseUrl(address, `${at}.baseUrl`),
    ...(configured === undefined ? {} : { configured }),
    ...(environment === undefined ? {} : { environment }),
    ...(local === undefined ? {} : { local }),
    ...(auth === undefined ? {} : { auth }),
    models: listOf(parseModel, 5000)(fields.get('models'), `${at}.models`),
  };
  requireOnePrice(provider, at);
  return provider;
}

/** However a name is spelled, it stands for one model: two that differ in case alone are refused as well. */
function requireOnePrice({ models }: CatalogProvider, at: string): void {
  const seen = new Set<string>();
  for (const { id, aliases = [] } of models)
    for (const name of [id, ...aliases]) {
      const folded = name.toLowerCase();
      if (seen.has(folded))
        throw malformed(`${at}.models`, 'every id and alias once, so that each has one price');
      seen.add(folded);
    }
}

export function parseProviderList(value: unknown): CatalogProvider[] {
  const fields = record(value, 'body', ['providers']);
  const providers = listOf(parseProvider, 500)(fields.get('providers'), 'providers');
  if (new Set(providers.map(({ id }) => id)).size !== providers.length)
    throw malformed('providers', 'every provider once');
  return providers;
}
