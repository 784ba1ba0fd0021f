import type { ProgramEvent } from '../program-driver.ts';
import { type SessionUpdate, type ToolCall, type ToolContent, textOf } from './messages.ts';

/** The calls that the program has told of, by its own ids: under which name, and whether they were told as begun. */
export type SeenCalls = Map<string, { tool: string; begun: boolean }>;

/** The events that one update of a session means. A call that is first heard of by an update begins with it. */
export function readUpdate(update: SessionUpdate, seen: SeenCalls): ProgramEvent[] {
  if (!('toolCallId' in update)) {
    const text = textOf(update.content);
    if (text === '') return [];
    return [{ type: update.sessionUpdate === 'agent_message_chunk' ? 'text' : 'reasoning', text }];
  }
  const events: ProgramEvent[] = [];
  const callId = update.toolCallId;
  const call = seen.get(callId) ?? { tool: nameOf(update), begun: false };
  seen.set(callId, call);
  const ended = update.status === 'completed' || update.status === 'failed';
  // What a call is about often comes with its first update only.
  if (!call.begun && (ended || update.status === 'in_progress')) {
    call.begun = true;
    events.push({ type: 'tool_started', callId, tool: call.tool, arguments: jsonOf(update.rawInput) });
  }
  if (ended) {
    const outcome = update.status === 'completed' ? 'ok' : 'error';
    events.push({ type: 'tool_ended', callId, outcome, output: outputOf(update) });
  }
  return events;
}

/** A title is for people: often the tool's name at first, and what it does later. */
function nameOf({ title, kind }: ToolCall): string {
  return title && /^[\w.:-]{1,64}$/.test(title) ? title : kind || 'tool';
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

function jsonOf(value: unknown): string {
  return value === undefined || value === null ? '' : JSON.stringify(value);
}
