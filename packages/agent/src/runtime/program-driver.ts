import type { ToolOutcome } from '../history/entry.ts';
import type { PromptText } from '../prompt/prompt-text.ts';

/** What another agent program says while it works on a message, whatever protocol it speaks. */
export type ProgramEvent =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  | { type: 'tool_started'; callId: string; tool: string; arguments: string }
  | { type: 'tool_ended'; callId: string; outcome: ToolOutcome; output: string };

/** One side of a conversation, as text: what was sent to the agent, and what it answered. */
export interface Said {
  role: 'user' | 'assistant';
  text: PromptText;
}

export interface ProgramRequest {
  messageId: string;
  traceId: string;
  from: string;
  /** The message as the program is to read it: framed where another agent sent it. */
  text: PromptText;
  /** What the operator wrote for this agent; empty for nothing. */
  instructions: PromptText;
  /** The conversation before, oldest first. */
  before: readonly Said[];
  /** Nothing came before it in its session: whatever the program remembers by itself is to be left behind. */
  first: boolean;
  /** Aborted on cancel. The program is then told to stop, and killed where it does not. */
  signal: AbortSignal;
}

/**
 * A program in one protocol. `answer` ends when the program has answered, throws an OpenLegionError where it did not,
 * and ends early and quietly after `signal`. The program is read no faster than the events are taken.
 */
export interface ProgramDriver {
  answer(request: ProgramRequest): AsyncGenerator<ProgramEvent, void>;
}
