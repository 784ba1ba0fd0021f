/*
 * remember: facts → whose words are they (judge-source) → what is known already (keep-facts) → disk
 * recall:   query → vectors and words, each a ranked list → reciprocal rank → salience → facts with their sources
 */

/** What kind of a thing a fact is. A `constraint` of a person's is what must hold from then on. */
export type FactCategory = string;

/** Where in the history a fact comes from. Whether it is trusted is found out from there, never claimed. */
export interface FactSource {
  /** The turn: gives the sender and the trace. */
  messageId: string;
  /** The tool whose output said it; absent for a message, or for what the agent itself thinks. */
  tool?: string;
}

/** One statement to keep, understandable by itself. */
export interface NewFact {
  /** At most 2,000 characters. A person's own whole sentences, word for word, are kept as trusted. */
  text: string;
  /** `preference`, `constraint`, `person`, `project`, …; at most 60 characters. */
  category?: FactCategory;
  /** What it is about, for example a customer: `acme`. At most 100 characters. */
  scope?: string;
  /** What it is the value of: a later fact of the same scope and key takes its place. At most 100 characters. */
  key?: string;
  source: FactSource;
}

/**
 * `known`: the same was there. `replaced`: took the place of the older value of its key. `beside`: its key has a
 * trusted value, which an untrusted one does not replace; both are kept. `refused`: not kept; `problem` says why.
 */
export type Remembered =
  | { outcome: 'added' | 'known' | 'replaced' | 'beside'; id: number; trusted: boolean }
  | { outcome: 'refused'; problem: string };

export interface Fact {
  id: number;
  text: string;
  category: string;
  scope: string;
  key: string;
  /** Only what a person said, in that person's words. Anything else is data, whatever it says of itself. */
  trusted: boolean;
  /** `user`, `operator`, `agent NAME`, `tool NAME` or `own notes`. */
  source: string;
  messageId: string;
  traceId: string;
  /** ISO 8601. */
  at: string;
}

export interface Recalled {
  /** The best first. */
  facts: Fact[];
  /** Why this was searched without the vectors of the model, where it should have been with them. */
  notice?: string;
}

export interface RecallOptions {
  /** At most 50; 10 unless told. */
  limit?: number;
  /** Facts of it come first; where they are too few, others follow. */
  category?: FactCategory;
  scope?: string;
  signal?: AbortSignal;
}

/**
 * What the agent knows beyond its prompt. Facts and their sources are on disk when `remember` returns; vectors of a
 * model follow when the provider has given them. The search index is in memory only while it is used.
 */
export interface Memory {
  /** One result for each, in order. Throws `disk_full` and `unavailable` as the history does. */
  remember(facts: readonly NewFact[]): Remembered[];
  /** Never rejects because of a provider. What is returned counts as accessed. */
  recall(query: string, options?: RecallOptions): Promise<Recalled>;
  /** What people demanded for good, in their own words, oldest first: trusted facts of category `constraint`. */
  constraints(): Fact[];
  /** Facts of a category, scope or key as they are kept, the newest first. */
  list(filter: { category?: string; scope?: string; key?: string; limit?: number }): Fact[];
  /** Once at the end of each task or turn: everything fades a little. */
  fade(): void;
  /** Gives back what the index holds; the next use loads it again. Waits for what is under way. */
  release(): Promise<void>;
}
