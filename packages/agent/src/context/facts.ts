/** One statement worth keeping from a conversation, and the turn (and tool, where it was one's output) that said it. */
export interface ConversationFact {
  text: string;
  category: string;
  source: { messageId: string; tool?: string };
}

/**
 * Where facts go before a conversation is shortened, and where they come back from. Who is trusted is for the one
 * behind this to find out; what comes back is data.
 */
export interface FactKeeper {
  remember: (facts: readonly ConversationFact[], signal: AbortSignal) => Promise<void>;
  /** What is known that has to do with `query`, as text that was not sanitised yet; empty where there is nothing. */
  recall: (query: string, signal: AbortSignal) => Promise<string>;
}

export const NO_FACTS: FactKeeper = { remember: async () => {}, recall: async () => '' };
