import type { Reading } from '../answer/reading.ts';
import type { JsonObject } from '../parse-json.ts';
import type { Tally } from './check.ts';

/** A listed method and path; every other is refused. */
export interface Route {
  operation: 'generate' | 'embed';
  /** Named in the path (Google), or null: named in the body. */
  model: string | null;
  /** Said by the path (Google), or null: said in the body. */
  stream: boolean | null;
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
  body: JsonObject;
}

/** What the keeper granted, to be written into the body. */
export interface Sealing {
  /** The provider's own name of the model. */
  model: string;
  tokensPerChoice: number;
  /** Host name of the provider: some understand only their own name of the same field. */
  host: string;
}

export interface DialectRules {
  /** `path` comes without a leading slash, `query` without its question mark. Null: not listed. */
  route(path: string, query: string): Route | null;
  /** Throws the refusal of whatever is not listed. */
  ask(route: Route, body: JsonObject): Ask;
  /** The body as it is sent: what was checked, the output limit as granted, what must be forced. */
  seal(ask: Ask, sealing: Sealing): JsonObject;
  /** Sent with every call; none of the caller's headers are. */
  headers: Readonly<Record<string, string>>;
  /** Takes what one answer, or one event of a streamed answer, says of usage. */
  read(answer: unknown, reading: Reading): void;
}

export function emptyTally(): Tally {
  return { messages: 0, tools: 0, images: 0, imageBytes: 0, hourCache: false };
}

/** A model's name in the path or body; the same letters as the contract's `ModelName`. */
export const MODEL_ID = /^[A-Za-z0-9@][A-Za-z0-9@._:/+-]{0,199}$/;

/** A shorter answer is of less use than the refusal that says why there is none. */
export const SHORTEST_USEFUL_ANSWER = 256;
