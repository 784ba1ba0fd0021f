import type { CatalogModel, CatalogProvider } from '@openlegion/contract/catalog';
import { MODEL_ID } from '../catalog/model-id.ts';
import { type Providers, resolveModel } from '../catalog/providers.ts';
import { isObject, parseJson } from '../process/parse-json.ts';
import { refusal } from '../process/refusal.ts';
import { quote } from '../process/refuse.ts';
import type { Ask, DialectRules } from './dialect/dialect.ts';
import type { MayUse } from './dialect/granted-tools.ts';

/** A call of which everything is decided but the budget. */
export interface CheckedCall {
  provider: CatalogProvider;
  rules: DialectRules;
  model: CatalogModel;
  ask: Ask;
}

const TARGET =
  /^\/llm\/([a-z0-9][a-z0-9._-]{0,62})\/([A-Za-z0-9._:/-]{1,300})(?:\?([A-Za-z0-9=&._-]{0,200}))?$/;

/**
 * `/llm/{provider}/…` in plain letters, the method and path, every field of the body, the model: throws the refusal
 * of the first that is not listed, and takes out
 * the tools that are not granted. What two parsers could read in two ways is refused, not normalised: percent
 * signs, empty and dot segments, backslashes, the absolute form, a fragment.
 */
export function checkCall(
  url: string,
  bytes: Buffer,
  providers: Providers,
  dialects: ReadonlyMap<string, DialectRules>,
  mayUse: MayUse,
): CheckedCall {
  const [, id, path, query = ''] = TARGET.exec(url) ?? [];
  if (id === undefined || path === undefined || path.split('/').some((part) => /^\.*$/.test(part)))
    throw refusal('llm.path:plain');
  const provider = providers.provider(id);
  const rules = dialects.get(provider.dialect);
  if (!rules) throw new Error('a parsed provider has a dialect');
  const whole = query === '' ? path : `${path}?${query}`;
  const route = rules.route(whole);
  if (!route)
    throw refusal('llm.path:dialect', {
      ...{ path: quote(whole), provider: provider.id, dialect: provider.dialect },
    });
  const body = parseJson(bytes);
  if (!isObject(body)) throw refusal('llm.json', { what: 'it is not an object' });
  const ask = rules.ask(route, body, mayUse);
  if (!MODEL_ID.test(ask.model)) throw refusal('llm.model', { model: quote(ask.model) });
  return { provider, rules, model: resolveModel(provider, ask.model), ask };
}
