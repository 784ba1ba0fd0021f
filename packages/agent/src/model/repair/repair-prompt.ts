import type { Dialect } from '@openlegion/contract/catalog';
import type { AdapterPrompt } from '../adapter.ts';
import { callIds, isMistral } from './call-ids.ts';
import { fitToolResults } from './fit-tool-results.ts';
import { pairToolCalls } from './pair-tool-calls.ts';

export type Message = AdapterPrompt[number];
export type MessageOf<Role extends Message['role']> = Extract<Message, { role: Role }>;
export type ToolResult = Extract<MessageOf<'tool'>['content'][number], { type: 'tool-result' }>;
export type Part = Exclude<Message['content'], string>[number];

export interface RepairTarget {
  dialect: Dialect;
  /** `provider/model`. */
  model: string;
  /** What a tool is called there; the name itself where left out. */
  rename?: (name: string) => string;
}

/**
 * Any conversation as `target` accepts it: one system prompt at its start, then user and assistant by turns, the user
 * first and last, nothing empty, each call followed by exactly one result under an id of the target's form. What has
 * no place is kept as text where it stood; a result that is missing is said to be missing.
 */
export function repairPrompt(prompt: AdapterPrompt, target: RepairTarget): AdapterPrompt {
  const placed = placeSystem(joinTurns(prompt), target);
  const paired = pairToolCalls(joinTurns(placed), callIds(target), target.rename ?? ((name) => name));
  const fitted = withEnds(joinTurns(fitToolResults(paired, target.dialect)));
  return isMistral(target) ? answerResults(fitted) : fitted;
}

/** Mistral refuses a user who speaks right behind a result: 400 "Unexpected role 'user' after role 'tool'". */
function answerResults(prompt: AdapterPrompt): AdapterPrompt {
  const seen: Message = { role: 'assistant', content: [{ type: 'text', text: '(The results are in.)' }] };
  return prompt.flatMap((message, at) =>
    message.role === 'user' && prompt[at - 1]?.role === 'tool' ? [seen, message] : [message],
  );
}

/** OpenAI's own models take a system message anywhere; others take one, at the start. */
function placeSystem(prompt: AdapterPrompt, { model }: RepairTarget): AdapterPrompt {
  const first = prompt.findIndex((message) => message.role !== 'system');
  const head = (first === -1 ? prompt : prompt.slice(0, first)).flatMap((message) =>
    message.role === 'system' && message.content.trim() !== '' ? [message] : [],
  );
  const rest = first === -1 ? [] : prompt.slice(first);
  const system = head.map(({ content }) => content).join('\n\n');
  return [
    ...(system === '' ? [] : [{ ...head[0], role: 'system' as const, content: system }]),
    ...rest.map((message): Message => {
      if (message.role !== 'system' || model.startsWith('openai/')) return message;
      const { content } = message;
      const text = content.trim() === '' ? '' : `[System message]\n${content}`;
      return { role: 'user', content: [{ type: 'text', text }] };
    }),
  ];
}

/** Without empty parts and messages; neighbours of the user, and of the assistant, are one. */
function joinTurns(prompt: AdapterPrompt): AdapterPrompt {
  return merge(withoutEmpty(merge(withoutEmptyParts(prompt))));
}

function withoutEmptyParts(prompt: AdapterPrompt): AdapterPrompt {
  return prompt.flatMap((message): AdapterPrompt => {
    if (message.role === 'system') return message.content.trim() === '' ? [] : [message];
    const content = (message.content as Part[]).filter(
      (part) => part.type !== 'text' || part.text.trim() !== '',
    );
    return content.length === 0 ? [] : [{ ...message, content } as Message];
  });
}

/** Reasoning alone says nothing; it only ever comes before what it led to. */
function withoutEmpty(prompt: AdapterPrompt): AdapterPrompt {
  return prompt.filter(
    (message) => message.role !== 'assistant' || message.content.some((part) => part.type !== 'reasoning'),
  );
}

function merge(prompt: AdapterPrompt): AdapterPrompt {
  const merged: AdapterPrompt = [];
  for (const message of prompt) {
    const last = merged.at(-1);
    if (last?.role === message.role && last.role !== 'system')
      merged[merged.length - 1] = { ...last, content: [...last.content, ...message.content] } as Message;
    else merged.push(message);
  }
  return merged;
}

function withEnds(prompt: AdapterPrompt): AdapterPrompt {
  const start = prompt[0]?.role === 'system' ? 1 : 0;
  const first = prompt[start];
  const said = [...prompt];
  if (first?.role !== 'user') said.splice(start, 0, user('(The conversation so far.)'));
  if (said.findLast(({ role }) => role !== 'system')?.role === 'assistant') said.push(user('Continue.'));
  return said;
}

function user(text: string): Message {
  return { role: 'user', content: [{ type: 'text', text }] };
}
