import type { Refusal } from '@openlegion/contract/refusal';
import type { AssistantPart } from '../history/entry.ts';
import type { PromptTurn } from '../history/prompt-turn.ts';

/** A tool as a model is told of it. `inputSchema` is JSON Schema. */
export interface ToolDefinition {
  name: string;
  description: string;
  inputSchema: Record<string, unknown>;
}

export interface ModelRequest {
  system: string;
  /** Oldest first; the last is the turn under way. The stream fits them to the model's context. */
  turns: readonly PromptTurn[];
  tools: readonly ToolDefinition[];
}

/**
 * What comes of one model call, in order: `routed` once for each attempt, deltas, then exactly one `finished` or
 * `failed`. A failure is a value: what was said before it is in `parts`, without half-made tool calls. The ids of
 * calls are the provider's; the loop gives them its own.
 */
export type ModelEvent =
  | { type: 'routed'; model: string }
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  | {
      type: 'finished';
      model: string;
      dialect: string;
      parts: AssistantPart[];
      reason: 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'other';
    }
  | { type: 'failed'; model: string; dialect: string; parts: AssistantPart[]; refusal: Refusal };

/** Injected into the loop, so that tests need no network. Throws only the signal's reason. */
export type ModelStream = (request: ModelRequest, signal: AbortSignal) => AsyncIterable<ModelEvent>;
