import type { Route } from '@openlegion/contract/mesh-api';
import type { AssistantEntry, AssistantPart } from '../history/entry.ts';
import type { PromptMessage, ShownResult } from '../history/prompt-turn.ts';
import { cleanJson } from '../prompt/clean-json.ts';
import { frameMessage } from '../prompt/frame-message.ts';
import { clean, type PromptText } from '../prompt/prompt-text.ts';
import type { AdapterPrompt } from './adapter.ts';

type AdapterMessage = AdapterPrompt[number];
type ResultOutput = Extract<
  Extract<AdapterMessage, { role: 'tool' }>['content'][number],
  { type: 'tool-result' }
>['output'];
type AssistantContent = Extract<AdapterMessage, { role: 'assistant' }>['content'];

/**
 * The neutral messages as the adapters take them. Everything that was not ours is cleaned here. Reasoning and
 * what a provider wants back with its own output go to the dialect they came from only.
 */
export function toAdapterPrompt(
  system: PromptText,
  messages: readonly PromptMessage[],
  route: Route,
): AdapterPrompt {
  return [
    { role: 'system', content: system },
    ...messages.map((message) => toAdapterMessage(message, route)),
  ];
}

function toAdapterMessage(message: PromptMessage, route: Route): AdapterMessage {
  switch (message.role) {
    case 'user':
      return { role: 'user', content: [{ type: 'text', text: frameMessage(message) }] };
    case 'note':
      return { role: 'user', content: [{ type: 'text', text: message.text }] };
    case 'assistant':
      return { role: 'assistant', content: assistantContent(message, route.dialect) };
    case 'tool':
      return {
        role: 'tool',
        content: message.results.map((result) => ({
          type: 'tool-result',
          toolCallId: result.callId,
          toolName: clean(result.tool),
          output: resultOutput(result, route),
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
        toolName: clean(part.tool),
        input: callInput(part),
        ...providerOptions,
      });
    } else if (part.type === 'text') {
      if (part.text !== '') content.push({ type: 'text', text: clean(part.text), ...providerOptions });
    } else if (own && part.providerData) {
      content.push({ type: 'reasoning', text: part.text, ...providerOptions });
    }
  }
  return content;
}

/**
 * Providers take only objects back; arguments that were none are shown as what they were. A model's own arguments
 * hold what it read.
 */
function callInput(call: Extract<AssistantPart, { type: 'call' }>): unknown {
  try {
    const value: unknown = cleanJson(JSON.parse(call.input));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Falls through: not JSON at all.
  }
  return { unreadable: clean(call.input) };
}

function resultOutput(result: ShownResult, { model, imageTokens }: Route): ResultOutput {
  const cleaned = clean(result.output);
  const text = cleaned === '' ? '(no output)' : cleaned;
  const { picture, shown } = result;
  if (picture === undefined) return { type: result.outcome === 'ok' ? 'text' : 'error-text', value: text };
  if (shown === undefined) {
    const why =
      imageTokens === undefined
        ? `: ${model} takes none`
        : ' any more; look at its file again if you need it';
    return { type: 'text', value: `${text}\n[the picture is not shown${why}]` };
  }
  // Here, because the adapters encode bytes one by one.
  const data = { type: 'data', data: Buffer.from(shown).toString('base64') } as const;
  const file = { type: 'file', mediaType: picture.mediaType, data } as const;
  return { type: 'content', value: [{ type: 'text', text }, file] };
}
