import type { AssistantPart } from '../history/entry.ts';
import { ours } from '../prompt/prompt-text.ts';
import type { ModelRequest } from './model-stream.ts';

const GO_ON = ours`Your answer above was cut off by a technical fault. Go on exactly where it stops: the reader sees both as one text. Repeat nothing of it and say nothing about the interruption. If you were about to call a tool, call it now.`;

/** What another model said of an answer before it broke off. */
export interface Beginning {
  text: string;
  model: string;
  dialect: string;
}

/**
 * The request again, with what was already said behind it. As a message of its own and not as a prefix that the
 * model is made to have begun with: not every model takes one, and none while it thinks. A text without a visible
 * character is left out: no provider takes it back.
 */
export function continueRequest(request: ModelRequest, { text, model, dialect }: Beginning): ModelRequest {
  const last = request.turns.at(-1);
  if (text.trim() === '' || last === undefined) return request;
  const messages: typeof last.messages = [
    ...last.messages,
    { role: 'assistant', model, dialect, parts: [{ type: 'text', text }] },
    { role: 'note', text: GO_ON },
  ];
  return { ...request, turns: [...request.turns.slice(0, -1), { ...last, messages }] };
}

/**
 * One answer of what was said before the seam and what came after it. The earlier text joins the first of the later
 * ones, behind the reasoning of the model that went on, which its provider wants to see first.
 */
export function joinAnswer(before: string, parts: readonly AssistantPart[]): AssistantPart[] {
  if (before === '') return [...parts];
  const first = parts.findIndex((part) => part.type !== 'reasoning');
  const at = first === -1 ? parts.length : first;
  const next = parts[at];
  const continued = next?.type === 'text';
  const joined: AssistantPart = { type: 'text', text: before + (continued ? next.text : '') };
  return [...parts.slice(0, at), joined, ...parts.slice(continued ? at + 1 : at)];
}

export function textOf(parts: readonly AssistantPart[]): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}
