/** One message of a request, the same for all dialects. A tool's result knows its tool by name. */
export type WireMessage =
  | { role: 'system'; text: string }
  | { role: 'user'; text: string }
  | { role: 'assistant'; text: string }
  | { role: 'tool'; tool: string; text: string };

/** A request for an answer, read from whichever dialect it came in. */
export interface WireRequest {
  /** As the provider knows it: the script's name. */
  model: string;
  stream: boolean;
  messages: WireMessage[];
  /** The answer is cut there, as a real model's would be. */
  maxOutputTokens: number | null;
  /** OpenAI chat completions alone: whether a stream ends with a chunk of usage. */
  includeUsage: boolean;
}
