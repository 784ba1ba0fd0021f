import { TurnEvent } from '@openlegion/contract/turn-event';
import type { ProgramEvent } from './program-driver.ts';

/** The first line of a program that prints events and not text. */
export const EVENTS_FOLLOW = '{"openlegion":"events"}';

/**
 * One line of a program that prints events: a `text_delta`, `reasoning_delta`, `tool_started` or `tool_ended` of
 * `TurnEvent`. Undefined for anything else: it is left out, as a program may be given libraries that print.
 */
export function readEventLine(line: string): ProgramEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const parsed = TurnEvent.safeParse(value);
  if (!parsed.success) return undefined;
  const event = parsed.data;
  switch (event.type) {
    case 'text_delta':
      return { type: 'text', text: event.text };
    case 'reasoning_delta':
      return { type: 'reasoning', text: event.text };
    case 'tool_started':
      return { type: 'tool_started', callId: event.callId, tool: event.tool, arguments: event.arguments };
    case 'tool_ended':
      return { type: 'tool_ended', callId: event.callId, outcome: event.outcome, output: event.preview };
    default:
      return undefined;
  }
}
