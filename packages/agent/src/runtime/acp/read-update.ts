import type { ProgramEvent } from '../program-driver.ts';
import { type SessionUpdate, type ToolCall, type ToolContent, textOf } from './messages.ts';

/** Which of its calls the program has told of, by its own ids. */
export type SeenCalls = Set<string>;

/** The events that one update of a session means. A call that is first heard of by an update begins with it. */
export function readUpdate(update: SessionUpdate, seen: SeenCalls): ProgramEvent[] {
  if ('content' in update && 'sessionUpdate' in update && !('toolCallId' in update)) {
    const text = textOf(update.content);
    if (text === '') return [];
    return [{ type: update.sessionUpdate === 'agent_message_chunk' ? 'text' : 'reasoning', text }];
  }
  if (!('toolCallId' in update)) return [];
  const events: ProgramEvent[] = [];
  const callId = update.toolCallId;
  const ended = update.status === 'completed' || update.status === 'failed';
  // What a call is about often comes with its first update only.
  const ripe = ended || update.status === 'in_progress' || hasInput(update);
  if (!seen.has(callId) && ripe) {
    seen.add(callId);
    const tool = update.title?.trim() || update.kind || 'tool';
    events.push({ type: 'tool_started', callId, tool, arguments: jsonOf(update.rawInput) });
  }
  if (ended) {
    const outcome = update.status === 'completed' ? 'ok' : 'error';
    events.push({ type: 'tool_ended', callId, outcome, output: outputOf(update) });
  }
  return events;
}

function hasInput({ rawInput }: ToolCall): boolean {
  return typeof rawInput === 'object' && rawInput !== null && Object.keys(rawInput).length > 0;
}

function outputOf({ content, rawOutput }: ToolCall): string {
  const shown = (content ?? []).map(shownContent).filter((text) => text !== '');
  if (shown.length > 0) return shown.join('\n');
  return typeof rawOutput === 'string' ? rawOutput : jsonOf(rawOutput);
}

function shownContent(content: ToolContent): string {
  if (content.type === 'content' && 'content' in content) return textOf(content.content);
  return content.type === 'diff' && 'path' in content ? `changed ${content.path}` : '';
}

export function jsonOf(value: unknown): string {
  return value === undefined || value === null ? '' : JSON.stringify(value);
}
