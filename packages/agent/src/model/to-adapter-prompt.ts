import type { AssistantEntry, AssistantPart, ResultEntry } from '../history/entry.ts';
import type { PromptMessage } from '../history/prompt-turn.ts';
import { frameMessage } from '../prompt/frame-message.ts';
import type { PromptText } from '../prompt/prompt-text.ts';
import { sanitise } from '../prompt/sanitise.ts';
import type { AdapterPrompt } from './adapter.ts';

type AdapterMessage = AdapterPrompt[number];
type AssistantContent = Extract<AdapterMessage, { role: 'assistant' }>['content'];

/**
 * The neutral messages as the adapters take them. Everything that was not ours passes `sanitise` here. Reasoning and
 * what a provider wants back with its own output go to the dialect they came from only.
 */
export function toAdapterPrompt(
  system: PromptText,
  messages: readonly PromptMessage[],
  dialect: string,
): AdapterPrompt {
  return [
    { role: 'system', content: system },
    ...messages.map((message) => toAdapterMessage(message, dialect)),
  ];
}

function toAdapterMessage(message: PromptMessage, dialect: string): AdapterMessage {
  switch (message.role) {
    case 'user':
      return { role: 'user', content: [{ type: 'text', text: frameMessage(message) }] };
    case 'note':
      return { role: 'user', content: [{ type: 'text', text: message.text }] };
    case 'assistant':
      return { role: 'assistant', content: assistantContent(message, dialect) };
    case 'tool':
      return {
        role: 'tool',
        content: message.results.map((result) => ({
          type: 'tool-result',
          toolCallId: result.callId,
          toolName: sanitise(result.tool),
          output: { type: result.outcome === 'ok' ? 'text' : 'error-text', value: resultText(result) },
        })),
      };
  }
}

function assistantContent(entry: AssistantEntry, dialect: string): AssistantContent {
  const own = entry.dialect === dialect;
  const content: AssistantContent = [];
  for (const part of entry.parts) {
    const providerOptions = own && part.providerData ? { providerOptions: part.providerData } : {};
    if (part.type === 'call') {
      content.push({
        type: 'tool-call',
        toolCallId: part.callId,
        toolName: sanitise(part.tool),
        input: callInput(part),
        ...providerOptions,
      });
    } else if (part.type === 'text') {
      if (part.text !== '') content.push({ type: 'text', text: sanitise(part.text), ...providerOptions });
    } else if (own && part.providerData) {
      content.push({ type: 'reasoning', text: part.text, ...providerOptions });
    }
  }
  return content;
}

/** Providers take only objects back; arguments that were none are shown as what they were. */
function callInput(call: Extract<AssistantPart, { type: 'call' }>): unknown {
  try {
    const value: unknown = JSON.parse(sanitiseJson(call.input));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Falls through: not JSON at all.
  }
  return { unreadable: sanitise(call.input) };
}

/** A model's own arguments hold what it read: the same characters go, and JSON's escapes of them. */
function sanitiseJson(text: string): string {
  return JSON.stringify(JSON.parse(text), (_key, value: unknown) =>
    typeof value === 'string' ? sanitise(value) : value,
  );
}

function resultText(result: ResultEntry): string {
  const text = sanitise(result.output);
  return text === '' ? '(no output)' : text;
}
