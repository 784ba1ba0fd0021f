import type { Dialect } from '@openlegion/contract/catalog';
import type { ProviderData } from '../history/entry.ts';
import type { AdapterOptions, AdapterPrompt, FunctionTool } from '../model/adapter.ts';
import { badRequest } from './bad-request.ts';

type Message<Role> = Extract<AdapterPrompt[number], { role: Role }>;
export type UserContent = Message<'user'>['content'];
export type AssistantContent = Message<'assistant'>['content'];
export type ToolContent = Message<'tool'>['content'];
type ToolResult = Extract<ToolContent[number], { type: 'tool-result' }>;
type FilePart = Extract<UserContent[number], { type: 'file' }>;
export type ToolChoice = NonNullable<AdapterOptions['toolChoice']>;
export type Reasoning = NonNullable<AdapterOptions['reasoning']>;

/** One request, whichever wire it came on: what the adapters of all dialects take. */
export interface NeutralRequest {
  prompt: AdapterPrompt;
  tools: FunctionTool[];
  settings: Pick<
    AdapterOptions,
    | 'maxOutputTokens'
    | 'temperature'
    | 'topP'
    | 'topK'
    | 'stopSequences'
    | 'seed'
    | 'presencePenalty'
    | 'frequencyPenalty'
    | 'responseFormat'
    | 'reasoning'
    | 'toolChoice'
  >;
  parallelToolCalls: boolean | undefined;
  /** The schema of the answer is binding (OpenAI's `strict`). */
  strictSchema: boolean;
}

/** What each reader is told: reasoning goes back to the dialect that it came from and to no other. */
export type ReadWire = (body: unknown, dialect: Dialect) => NeutralRequest;

/** Without the fields that are undefined or null, which clients send for "not set". */
export function set<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(kept) as { [K in keyof T]?: NonNullable<T[K]> };
}

export type ToolCall = Extract<AssistantContent[number], { type: 'tool-call' }>;

export function toolCall(id: string, name: string, input: unknown, data?: ProviderData): ToolCall {
  return { type: 'tool-call', toolCallId: id, toolName: name, input, ...set({ providerOptions: data }) };
}

export function toolResult(id: string, names: ReadonlyMap<string, string>, output: ToolResult['output']) {
  return { type: 'tool-result' as const, toolCallId: id, toolName: names.get(id) ?? '', output };
}

export function reasoningPart({ text, data }: { text: string; data?: ProviderData | undefined }) {
  return { type: 'reasoning' as const, text, ...set({ providerOptions: data }) };
}

const DATA_URL = /^data:(image\/[a-z0-9.+-]{1,60});base64,([A-Za-z0-9+/=_\s-]+)$/i;

export function imageOfUrl(url: string): FilePart {
  const [, mediaType, data] = DATA_URL.exec(url) ?? [];
  if (mediaType === undefined || data === undefined)
    throw badRequest(
      'image',
      'An image is taken only as base64 data: nobody fetches the address of one.',
      'Send it as data:image/png;base64,…',
    );
  return imageOfData(mediaType.toLowerCase(), data);
}

export function imageOfData(mediaType: string, data: string): FilePart {
  return { type: 'file', mediaType, data: { type: 'data', data: data.replace(/\s/g, '') } };
}

/** A model's own arguments; what is no object is shown as what it was, because providers take only objects back. */
export function callInput(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Falls through: not JSON at all.
  }
  return { unreadable: text };
}

/** The effort that a number of thinking tokens stands for. Every dialect has the words; only some have the number. */
export function effortOf(budgetTokens: number): Reasoning {
  return budgetTokens <= 5000 ? 'low' : budgetTokens <= 12_000 ? 'medium' : 'high';
}
