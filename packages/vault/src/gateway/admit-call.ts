import type { CatalogModel, CatalogProvider } from '@openlegion/contract/catalog';
import type { ReserveAnswer } from '@openlegion/contract/keeper-protocol';
import type { KeeperClient } from '../process/keeper-client.ts';
import { VaultError } from '../process/vault-error.ts';
import type { Admitted } from './answer/price-usage.ts';
import { boundCost } from './bound-cost.ts';
import { isObject } from './dialect/check.ts';
import { type Ask, type DialectRules, MODEL_ID } from './dialect/dialect.ts';
import { parseJson } from './parse-json.ts';
import { originOf } from './provider/dial-provider.ts';
import { type Providers, resolveModel } from './provider/providers.ts';
import type { Caller } from './read-caller.ts';
import type { CallTarget } from './read-target.ts';
import { quote, refuse } from './refuse.ts';

/** A call of which everything is decided but the budget. */
export interface CheckedCall {
  provider: CatalogProvider;
  rules: DialectRules;
  model: CatalogModel;
  ask: Ask;
}

/** A call that the keeper admitted; from here on it must be settled, exactly once. */
export interface AdmittedCall extends CheckedCall {
  reservation: ReserveAnswer;
  admitted: Admitted;
}

/** Provider, method and path, every field of the body, the model: throws the refusal of the first that is not listed. */
export function checkCall(
  target: CallTarget,
  bytes: Buffer,
  providers: Providers,
  dialects: ReadonlyMap<string, DialectRules>,
): CheckedCall {
  const provider = providers.provider(target.provider);
  const rules = dialects.get(provider.dialect);
  if (!rules) throw new Error('a parsed provider has a dialect');
  const route = rules.route(target.path, target.query);
  if (!route)
    throw refuse(
      'denied',
      'llm.path',
      `${quote(target.path + (target.query === '' ? '' : `?${target.query}`))} is not a listed method of ${provider.id} (${provider.dialect}).`,
      'Use a method that generates text or embeds it; streams of Google models need ?alt=sse and nothing else.',
    );
  const body = parseJson(bytes);
  if (!isObject(body))
    throw refuse('bad_request', 'llm.json', 'The body is not a JSON object.', 'Send one JSON object.');
  const ask = rules.ask(route, body);
  if (!MODEL_ID.test(ask.model))
    throw refuse(
      'bad_request',
      'llm.model',
      `${quote(ask.model)} is no model's name.`,
      'Name a model of the catalog.',
    );
  return { provider, rules, model: resolveModel(provider, ask.model), ask };
}

/**
 * Reserves the worst case and receives the credential. The model goes to the keeper as the agent's policy names it,
 * the origin exactly as it will be dialled. Throws the keeper's refusal, `unavailable` while it is away.
 */
export async function admitCall(
  call: CheckedCall,
  caller: Caller,
  keeper: KeeperClient<'gateway'>,
): Promise<AdmittedCall> {
  const { provider, model, ask } = call;
  const bound = boundCost(ask, model, JSON.stringify(ask.body));
  const outcome = await keeper.call('reserve', {
    agent: caller.agent,
    traceId: caller.traceId,
    model: `${provider.id}/${ask.model}`,
    origin: originOf(provider),
    credential: provider.auth?.credential ?? null,
    inputMicroUsd: bound.inputMicroUsd,
    inputTokens: bound.inputTokens,
    outputTokens: bound.outputTokens,
    minOutputTokens: bound.minOutputTokens,
    outputMicroUsdPerMillion: bound.outputPrice,
  });
  if (!outcome.ok) throw new VaultError(outcome.refusal);
  const reservation = outcome.result;
  return {
    ...call,
    reservation,
    admitted: {
      bound,
      price: model.price,
      outputTokens: Math.min(reservation.outputTokens, bound.outputTokens),
      reservedMicroUsd: reservation.reservedMicroUsd,
    },
  };
}
