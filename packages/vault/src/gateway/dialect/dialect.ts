/**
 * A wire format: which methods there are, what may be in a body, what is written over it. The facts are in
 * `../../dialects/*.json`; here is how they are applied.
 */

import { type Check, createFieldChecks, type FieldTable, type Tally } from '../../dialects/field-checks.ts';
import { isObject, type Json, type JsonObject } from '../../process/parse-json.ts';
import { refusal } from '../../process/refusal.ts';
import { type AnswerTable, createAnswerReader, type ReadAnswer } from './answer-reader.ts';
import { type MayUse, type ToolTable, withoutUngranted } from './granted-tools.ts';

export interface DialectTable extends FieldTable {
  headers?: Record<string, string>;
  /** `{model}` stands for the model's name. */
  routes: Record<string, { body: string; embeds?: boolean; stream?: boolean }>;
  /** The field in which the output is bounded, where it is not the body itself. */
  within?: string;
  limit: { names: string[]; newNameHosts?: string[]; newNameModels?: string; least?: number };
  choices?: string;
  forced?: { always?: JsonObject; at?: Record<string, JsonObject>; streams?: JsonObject };
  /** Where it lists the tools that the model may call, and what chooses between them. */
  tools: ToolTable;
  toolChoices: string[];
  answer: AnswerTable;
}

/** A listed method and path; every other is refused. */
export interface Route {
  /** An embedding: no output is generated. */
  embeds: boolean;
  /** Named in the path (Google), or null: named in the body. */
  model: string | null;
  stream: boolean;
  body: Check;
  /** The path and query under the provider's base URL. */
  target(model: string): string;
}

/** A body that may be sent, with all that bounds its cost. */
export interface Ask {
  route: Route;
  /** As the caller names it. */
  model: string;
  stream: boolean;
  /** How many answers are generated; each costs its own output. */
  choices: number;
  /** Output tokens wanted for each answer; null where the caller leaves it to the model. */
  wantedTokens: number | null;
  /** Fewer for each answer would not be the call that was asked for. */
  minTokens: number;
  tally: Tally;
  /** The model may call tools. */
  offersTools: boolean;
  body: JsonObject;
}

export interface DialectRules {
  /** Sent with every call; none of the caller's headers are. */
  headers: Readonly<Record<string, string>>;
  /** `path` comes without a leading slash, with its query. Null: not listed. */
  route(path: string): Route | null;
  /** Throws the refusal of whatever is not listed; tools that are not granted are taken out. */
  ask(route: Route, body: JsonObject, mayUse: MayUse): Ask;
  /**
   * The body as it is sent: what was checked, the output limit as granted, what must be forced. `model` is the
   * provider's own name; some hosts understand only their own name of the same field.
   */
  seal(ask: Ask, to: { model: string; tokensPerChoice: number; host: string }): JsonObject;
  /** Takes what one answer, or one event of a streamed answer, says of usage. */
  read: ReadAnswer;
}

const VERSION = /^v1(?:beta)?\//;
const MODEL_IN_PATH = /^models\/([A-Za-z0-9][A-Za-z0-9._-]{0,99}):/;
/** A shorter answer is of less use than the refusal that says why there is none. */
const SHORTEST_USEFUL_ANSWER = 256;

export function createDialect(table: DialectTable): DialectRules {
  const checks = createFieldChecks(table);
  const routes = new Map(
    Object.entries(table.routes).map(([path, route]) => [path, { ...route, check: checks(route.body) }]),
  );
  const { within, choices, forced = {}, limit } = table;
  const newModels = new RegExp(limit.newNameModels ?? '(?!)');
  const configOf = (body: JsonObject): JsonObject => {
    const config = within === undefined ? body : body[within];
    return isObject(config) ? config : {};
  };
  const limitName = (host: string, model: string): string => {
    const isNew = limit.newNameHosts?.includes(host) === true || newModels.test(model);
    return limit.names[isNew ? 1 : 0] ?? '';
  };

  return {
    headers: table.headers ?? {},
    read: createAnswerReader(table.answer),

    route(path) {
      const listed = path.replace(VERSION, '');
      const model = MODEL_IN_PATH.exec(listed)?.[1] ?? null;
      const name = model === null ? listed : listed.replace(`models/${model}:`, 'models/{model}:');
      const found = routes.get(name);
      if (!found) return null;
      const { embeds = false, stream = false, check: body } = found;
      return { embeds, model, stream, body, target: (id) => name.replace('{model}', id) };
    },

    ask(route, given, mayUse) {
      const tally: Tally = { messages: 0, tools: 0, images: 0, imageBytes: 0, hourCache: 0 };
      const checked = route.body.check(given, '', tally);
      if (!isObject(checked)) throw new Error('the check of an object returns one');
      const { body, offers: offersTools } = withoutUngranted(checked, table, mayUse);
      const config = configOf(body);
      const limits = limit.names.flatMap((name) => numeric(config[name]) ?? []);
      if (limits.length > 1) throw refusal('llm.field.max_tokens', { names: limit.names.join(' and ') });
      const { least = 0 } = limit;
      const wanted = limits[0] === undefined ? null : Math.max(limits[0], least);
      // Taken from the limit (Anthropic): with fewer the provider would refuse the call.
      const thinking = isObject(body.thinking) ? (numeric(body.thinking.budget_tokens) ?? 0) : 0;
      if (wanted !== null && thinking >= wanted) throw refusal('llm.field.thinking.budget_tokens');
      const useful = Math.min(SHORTEST_USEFUL_ANSWER, (wanted ?? Number.POSITIVE_INFINITY) - thinking);
      const { embeds } = route;
      return {
        route,
        model: route.model ?? (typeof body.model === 'string' ? body.model : ''),
        stream: route.stream || body.stream === true,
        choices: choices === undefined ? 1 : (numeric(config[choices]) ?? 1),
        wantedTokens: embeds ? 0 : wanted,
        minTokens: embeds ? 0 : Math.max(least, thinking + useful),
        tally,
        offersTools,
        body,
      };
    },

    seal({ route, body, stream }, { model, tokensPerChoice, host }) {
      const sent: JsonObject = route.model === null ? { ...body, model } : { ...body };
      // Each of a batch names its model again; another model's price is not this one's.
      if (Array.isArray(sent.requests))
        sent.requests = sent.requests.map((each) => merged(each, { model: `models/${model}` }));
      if (route.embeds) return sent;
      const config: JsonObject = { ...configOf(sent) };
      for (const name of limit.names) delete config[name];
      config[limitName(host, model)] = tokensPerChoice;
      const bounded = within === undefined ? config : { ...sent, [within]: config };
      const streams = stream && forced.streams ? merged(bounded, forced.streams) : bounded;
      return { ...streams, ...forced.always, ...forced.at?.[host] };
    },
  };
}

/** Objects in `over` are merged into those of the same name, one level deep. */
function merged(value: Json, over: JsonObject): JsonObject {
  const result: JsonObject = isObject(value) ? { ...value } : {};
  for (const [key, item] of Object.entries(over)) {
    const before = result[key] ?? null;
    result[key] = isObject(item) && isObject(before) ? { ...before, ...item } : item;
  }
  return result;
}

function numeric(value: Json | undefined): number | null {
  return typeof value === 'number' ? value : null;
}
