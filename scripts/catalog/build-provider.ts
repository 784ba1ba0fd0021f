import type { CatalogModel, CatalogProvider, Dialect } from '@openlegion/contract/catalog';
import { collapseAliases } from './collapse-aliases.ts';
import { HAND_ALIASES, HAND_MODELS } from './hand-models.ts';
import { imageTokens } from './image-tokens.ts';
import type { ModelFact } from './model-fact.ts';
import { NOT_BY_TOKENS, type ProviderPlan } from './provider-plans.ts';
import type { GenaiPrice } from './read-genai-prices.ts';
import type { ModelsDevFact } from './read-models-dev.ts';
import type { PiInterface } from './read-pi-ai.ts';
import type { RegisteredProvider } from './read-registry.ts';
import { settlePrice } from './settle-price.ts';

export interface Facts {
  piAi: ReadonlyMap<string, PiInterface>;
  genaiPrice: (provider: string, model: string) => GenaiPrice | null;
  modelsDev: ReadonlyMap<string, readonly ModelsDevFact[]>;
  registry: ReadonlyMap<string, RegisteredProvider>;
}

/** As many as the schema gives a model of the operator's own: less than a model may do, never more than was reserved. */
const OUTPUT_WHEN_UNKNOWN = 8192;
/** The letters of the contract's `ModelName`. */
const CALLABLE = /^[A-Za-z0-9@][A-Za-z0-9@._:/+-]{0,150}$/;

/** One provider of the catalog, from what the sources say and what was decided about it. */
export function buildProvider(id: string, plan: ProviderPlan, facts: Facts): CatalogProvider {
  const registryId = plan.registry === undefined ? id : plan.registry;
  const registered = registryId === null ? undefined : facts.registry.get(registryId);
  if (registryId !== null && !registered) throw new Error(`the registry does not know ${registryId}`);
  const interfaces = (plan.piAi ?? []).map((name) => {
    const found = facts.piAi.get(name);
    if (!found) throw new Error(`pi-ai does not know ${name}`);
    return found;
  });
  const dialect = plan.dialect ?? dialectOf(plan.piAi?.[0] ?? null, registered?.npm ?? null);
  const baseUrl = plan.baseUrl ?? plainUrl(interfaces[0]?.baseUrl || registered?.url || '', dialect);
  const environment = plan.environment ?? registered?.environment ?? [];
  return {
    id,
    name: plan.name ?? registered?.name ?? id,
    dialect,
    baseUrl,
    ...(baseUrl === '' ? { configured: true } : {}),
    ...(environment.length === 0 ? {} : { environment }),
    auth: { ...authOf(dialect), credential: credentialOf(id), ...plan.auth },
    models: modelsOf(id, { ...plan, dialect, registry: registryId }, interfaces, facts),
  };
}

function modelsOf(
  id: string,
  plan: ProviderPlan & { dialect: Dialect; registry: string | null },
  interfaces: readonly PiInterface[],
  { genaiPrice, modelsDev, registry }: Facts,
): CatalogModel[] {
  const found = new Map<string, ModelFact>();
  const priceOf = (model: string) =>
    plan.genaiPrices === undefined ? null : genaiPrice(plan.genaiPrices, model);
  const offer = (fact: ModelFact): void => {
    if (isOffered(plan, fact) && !found.has(fact.id.toLowerCase())) found.set(fact.id.toLowerCase(), fact);
  };
  for (const fact of interfaces.flatMap((one) => one.models)) {
    const other = priceOf(fact.id);
    offer(other === null ? fact : { ...fact, price: withFurther(fact.price, other) });
  }
  const listed = plan.registry === null ? undefined : registry.get(plan.registry);
  for (const { npm, ...fact } of modelsDev.get(plan.modelsDev ?? plan.registry ?? '') ?? []) {
    const current = listed === undefined || listed.models.includes(fact.id);
    if (!current || (npm !== null && dialectOf(null, npm) !== plan.dialect)) continue;
    const other = priceOf(fact.id);
    // The other price list is the newer one, and says what is not billed by tokens.
    if (other === null || other.price !== null) offer({ ...fact, price: other?.price ?? fact.price });
  }
  for (const model of listed?.models ?? []) {
    const entry = priceOf(model);
    if (!entry?.price) continue;
    const capabilities = listed?.structuredOutput.has(model) ? (['structured_output'] as const) : [];
    const { price, contextTokens } = entry;
    offer({ id: model, price, contextTokens, maxOutputTokens: null, capabilities: [...capabilities] });
  }
  const models = [...found.values()].flatMap(modelOf);
  const hand = (HAND_MODELS[id] ?? []).filter((model) => !found.has(model.id.toLowerCase()));
  return collapseAliases([...models, ...hand], HAND_ALIASES[id] ?? {}).toSorted((a, b) =>
    a.id < b.id ? -1 : 1,
  );
}

/** Named so that it can be asked for, billed by its tokens, and not for nothing unless its name says so. */
function isOffered(plan: ProviderPlan, { id, price }: ModelFact): boolean {
  if (plan.only?.test(id) === false || plan.without?.test(id)) return false;
  if (!CALLABLE.test(id) || NOT_BY_TOKENS.test(id)) return false;
  // More for what is read from a cache than for what is not: one of the two figures is wrong.
  if ([price, ...(price.tiers ?? [])].some(({ input, cacheRead = 0 }) => cacheRead > input)) return false;
  if (price.input === 0) return price.output === 0 && /[:-]free$/.test(id);
  return price.output > 0 || isEmbedding(id);
}

/** A model whose size is not known is not offered: its context would be a guess. */
function modelOf(fact: ModelFact): CatalogModel[] {
  if (fact.contextTokens === null || fact.contextTokens < 1) return [];
  const embeds = isEmbedding(fact.id);
  const maxOutputTokens = embeds ? 1 : (fact.maxOutputTokens ?? OUTPUT_WHEN_UNKNOWN);
  const hears = fact.price.audioInput === undefined ? [] : (['audio'] as const);
  const capabilities: ModelFact['capabilities'] = embeds ? ['embedding'] : [...fact.capabilities, ...hears];
  const sees = capabilities.includes('vision');
  return [
    {
      id: fact.id,
      contextTokens: fact.contextTokens,
      maxOutputTokens: Math.min(maxOutputTokens, fact.contextTokens),
      price: settlePrice(fact.price),
      ...(sees ? { imageTokens: imageTokens(fact.id, fact.contextTokens) } : {}),
      ...(capabilities.length === 0 ? {} : { capabilities }),
    },
  ];
}

/** Audio is priced only by one source; where a price goes by the hour, the dearest of both stands. */
function withFurther(
  price: CatalogModel['price'],
  { price: other, hourly }: GenaiPrice,
): CatalogModel['price'] {
  if (!other) return price;
  const { audioInput, audioOutput } = other;
  const audio = {
    ...(audioInput === undefined ? {} : { audioInput }),
    ...(audioOutput === undefined ? {} : { audioOutput }),
  };
  if (!hourly) return { ...price, ...audio };
  return {
    ...price,
    ...audio,
    input: Math.max(price.input, other.input),
    output: Math.max(price.output, other.output),
    ...(price.cacheRead === undefined || other.cacheRead === undefined
      ? {}
      : { cacheRead: Math.max(price.cacheRead, other.cacheRead) }),
  };
}

function isEmbedding(model: string): boolean {
  return /embed/i.test(model);
}

function dialectOf(piAi: string | null, npm: string | null): Dialect {
  const named = piAi?.split('/')[1] ?? npm;
  if (named === 'anthropic-messages' || named === '@ai-sdk/anthropic') return 'anthropic';
  if (named === 'openai-responses' || named === '@ai-sdk/openai') return 'openai-responses';
  if (named === 'google-generative-ai' || named === '@ai-sdk/google') return 'google';
  return 'openai-chat';
}

/** An address with something to fill in is the operator's to give. Anthropic's clients add `/v1` themselves. */
function plainUrl(url: string, dialect: Dialect): string {
  if (/[${}]/.test(url)) return '';
  const plain = url.replace(/\/+$/, '').replace(/\/chat\/completions$/, '');
  return dialect === 'anthropic' && plain !== '' && !/\/v1$/.test(plain) ? `${plain}/v1` : plain;
}

function authOf(dialect: Dialect): {
  header: 'authorization' | 'x-api-key' | 'x-goog-api-key';
  scheme: 'bearer' | 'raw';
} {
  if (dialect === 'anthropic') return { header: 'x-api-key', scheme: 'raw' };
  if (dialect === 'google') return { header: 'x-goog-api-key', scheme: 'raw' };
  return { header: 'authorization', scheme: 'bearer' };
}

function credentialOf(id: string): string {
  return `OPENLEGION_SYSTEM_${id.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_API_KEY`;
}
