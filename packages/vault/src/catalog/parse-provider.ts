import { isIP } from 'node:net';
import type { CatalogModel, CatalogProvider, Price } from '@openlegion/contract/catalog';
import type { ProviderList } from '@openlegion/contract/gateway-protocol';
import {
  boolean,
  integer,
  listOf,
  malformed,
  objectOf,
  oneOf,
  type Parser,
  strictObject,
  text,
} from '../process/strict-parser.ts';
import { MODEL_ID } from './model-id.ts';

/** $1,000 a million tokens is far above any list price, and keeps every product within a double's whole numbers. */
const micro = integer(0, 1_000_000_000);
const tokens = integer(1, 100_000_000);

type Tiers = NonNullable<Price['tiers']>;
const parseTierList: Parser<Tiers> = listOf(
  objectOf(
    { aboveInputTokens: tokens, input: micro, output: micro },
    { cacheRead: micro, cacheWrite: micro },
  ),
  10,
);

const parseTiers: Parser<Tiers> = (value, at) => {
  const tiers = parseTierList(value, at);
  if (tiers.some((tier, index) => tier.aboveInputTokens <= (tiers[index - 1]?.aboveInputTokens ?? 0)))
    throw malformed(at, 'tiers in ascending order');
  return tiers;
};

const parsePrice: Parser<Price> = objectOf(
  { input: micro, output: micro },
  { cacheRead: micro, cacheWrite: micro, audioInput: micro, audioOutput: micro, tiers: parseTiers },
);

const modelId = text(200, MODEL_ID, 'a model id of letters, digits and @._:/+-');
const parseCapability = oneOf('tools', 'vision', 'reasoning', 'structured_output', 'embedding', 'audio');

const parseModel: Parser<CatalogModel> = objectOf(
  {
    id: (value, at) => (value === '*' ? value : modelId(value, at)),
    contextTokens: tokens,
    maxOutputTokens: tokens,
    price: parsePrice,
  },
  { imageTokens: tokens, aliases: listOf(modelId, 100), capabilities: listOf(parseCapability, 20) },
);

const CREDENTIAL = /^OPENLEGION_SYSTEM_[A-Z0-9_]{1,100}$/;
const parseAuth = strictObject<NonNullable<CatalogProvider['auth']>>({
  header: oneOf('authorization', 'x-api-key', 'x-goog-api-key', 'api-key'),
  scheme: oneOf('bearer', 'raw'),
  credential: text(120, CREDENTIAL, 'OPENLEGION_SYSTEM_ and a name'),
});

/**
 * https anywhere, http only to this machine (a key in cleartext would leave it otherwise). Exactly as the URL parser
 * spells it, so that it is read the same way everywhere; no user, query or fragment. Empty where the address is the
 * operator's own and not given.
 */
const baseUrl: Parser<string> = (value, at) => {
  if (value === '') return value;
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

const parseFields: Parser<CatalogProvider> = objectOf(
  {
    id: text(63, /^[a-z0-9][a-z0-9._-]{0,62}$/, 'a provider id'),
    name: text(100),
    dialect: oneOf('openai-chat', 'openai-responses', 'anthropic', 'google'),
    baseUrl,
    models: listOf(parseModel, 5000),
  },
  {
    configured: boolean,
    environment: listOf(text(100, /^[A-Z0-9_]+$/, 'the name of an environment variable'), 20),
    local: boolean,
    auth: parseAuth,
  },
);

/**
 * A provider as the contract's schema has it, and stricter where money or a key depends on it: however a name is
 * spelled, it stands for one model, so two that differ in case alone are refused. Throws `bad_request` naming the
 * place. `socketPath` is refused: only this installation sets it. An empty `baseUrl` is only taken with `configured`;
 * such a provider cannot be called.
 */
export function parseProvider(value: unknown, at: string): CatalogProvider {
  const provider = parseFields(value, at);
  if (provider.baseUrl === '' && provider.configured !== true) throw malformed(`${at}.baseUrl`, 'a base URL');
  const names = provider.models.flatMap(({ id, aliases = [] }) => [id, ...aliases]);
  if (new Set(names.map((name) => name.toLowerCase())).size !== names.length)
    throw malformed(`${at}.models`, 'every id and alias once, so that each has one price');
  return provider;
}

const parseList = strictObject<ProviderList>({ providers: listOf(parseProvider, 500) });

export function parseProviderList(value: unknown): CatalogProvider[] {
  const { providers } = parseList(value, '');
  if (new Set(providers.map(({ id }) => id)).size !== providers.length)
    throw malformed('providers', 'every provider once');
  return providers;
}
