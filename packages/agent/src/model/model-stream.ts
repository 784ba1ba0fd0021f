import type { Refusal } from '@openlegion/contract/refusal';
import type { AssistantPart, Seam } from '../history/entry.ts';
import type { PromptTurn } from '../history/prompt-turn.ts';
import type { PromptText } from '../prompt/prompt-text.ts';

/** A tool as a model is told of it. `inputSchema` is JSON Schema. */
export interface ToolDefinition {
  name: string;
  description: string;
  inputSchema: Record<string, unknown>;
}

export interface ModelRequest {
  system: PromptText;
  /** Oldest first; the last is the turn under way. The stream fits them to the model's context. */
  turns: readonly PromptTurn[];
  tools: readonly ToolDefinition[];
  /** What the prompt may be at most, where that is less than the model's window says. */
  promptTokens?: number;
  /** The model whose last answer broke off behind a whole tool call, which another goes on from where there is one. */
  brokenOff?: BrokenOff | undefined;
}

export interface BrokenOff {
  model: string;
  reason: string;
}

/**
 * What comes of one model call, in order: `routed` once for each attempt (`switched` before it where another model
 * takes over), deltas, then exactly one `finished` or `failed`. `parts` are the whole answer, whoever gave it; of a
 * failed one its text alone. The ids of calls are the provider's; the loop gives them its own.
 */
export type ModelEvent =
  | { type: 'routed'; model: string; contextTokens?: number; imageTokens?: number }
  | ({ type: 'switched' } & Seam)
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  | {
      type: 'finished';
      model: string;
      dialect: string;
      parts: AssistantPart[];
      reason: 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'other';
      brokenOff?: BrokenOff;
    }
  | { type: 'failed'; model: string; dialect: string; parts: AssistantPart[]; refusal: Refusal };

/** Injected into the loop, so that tests need no network. Throws only the signal's reason. */
export type ModelStream = (request: ModelRequest, signal: AbortSignal) => AsyncIterable<ModelEvent>;
