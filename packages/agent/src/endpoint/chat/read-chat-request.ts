import type { Dialect } from '@openlegion/contract/catalog';
import { z } from 'zod';
import type { AdapterPrompt } from '../../model/adapter.ts';
import { badRequest, parseWire } from '../bad-request.ts';
import {
  type AssistantContent,
  callInput,
  imageOfUrl,
  type NeutralRequest,
  set,
  type ToolChoice,
  type UserContent,
} from '../neutral-request.ts';
import { type Envelope, openEnvelope } from '../reasoning-envelope.ts';

/** OpenAI's chat completions: platform.openai.com/docs/api-reference/chat/create. */
const TextPart = z.object({ type: z.literal('text'), text: z.string() });
const ImagePart = z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string() }) });
const RefusalPart = z.object({ type: z.literal('refusal'), refusal: z.string() });
const Content = z.union([
  z.string(),
  z.array(z.discriminatedUnion('type', [TextPart, ImagePart, RefusalPart])),
]);
const Call = z.object({
  id: z.string(),
  type: z.literal('function').optional(),
  function: z.object({ name: z.string(), arguments: z.string() }),
  extra_content: z.object({ openlegion: z.string().optional() }).nullish(),
});
const Message = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'developer']), content: Content }),
  z.object({ role: z.literal('user'), content: Content }),
  z.object({
    role: z.literal('assistant'),
    content: Content.nullish(),
    refusal: z.string().nullish(),
    tool_calls: z.array(Call).nullish(),
  }),
  z.object({ role: z.literal('tool'), tool_call_id: z.string(), content: Content }),
]);
type Message = z.infer<typeof Message>;
const Tool = z.object({
  type: z.literal('function'),
  function: z.object({
    name: z.string(),
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
    strict: z.boolean().nullish(),
  }),
});
const Schema = z.object({
  name: z.string().nullish(),
  description: z.string().nullish(),
  schema: z.record(z.string(), z.unknown()).nullish(),
  strict: z.boolean().nullish(),
});
const ChatRequest = z.object({
  messages: z.array(Message).min(1),
  tools: z.array(Tool).nullish(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
    ])
    .nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('text') }),
      z.object({ type: z.literal('json_object') }),
      z.object({ type: z.literal('json_schema'), json_schema: Schema }),
    ])
    .nullish(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
  presence_penalty: z.number().nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  n: z.literal(1).nullish(),
  logprobs: z.literal(false).nullish(),
  modalities: z.array(z.literal('text')).nullish(),
  functions: z.undefined().optional(),
});

export function readChatRequest(body: unknown, dialect: Dialect): NeutralRequest {
  const asked = parseWire(ChatRequest, body);
  const names = new Map<string, string>();
  const { response_format: format, tool_choice: choice, stop } = asked;
  const schema = format?.type === 'json_schema' ? format.json_schema : undefined;
  return {
    prompt: asked.messages.map((message) => readMessage(message, names, dialect)),
    tools: (asked.tools ?? []).map(({ function: tool }) => ({
      type: 'function',
      name: tool.name,
      inputSchema: tool.parameters ?? { type: 'object', properties: {} },
      ...set({ description: tool.description, strict: tool.strict }),
    })),
    settings: set({
      maxOutputTokens: asked.max_completion_tokens ?? asked.max_tokens,
      temperature: asked.temperature,
      topP: asked.top_p,
      frequencyPenalty: asked.frequency_penalty,
      presencePenalty: asked.presence_penalty,
      seed: asked.seed,
      stopSequences: typeof stop === 'string' ? [stop] : stop,
      reasoning: asked.reasoning_effort,
      toolChoice: toolChoice(typeof choice === 'object' ? choice?.function : choice),
      responseFormat:
        format && format.type !== 'text'
          ? {
              type: 'json' as const,
              ...set({ schema: schema?.schema, name: schema?.name, description: schema?.description }),
            }
          : undefined,
    }),
    parallelToolCalls: asked.parallel_tool_calls ?? undefined,
    strictSchema: schema?.strict === true,
  };
}

function readMessage(message: Message, names: Map<string, string>, dialect: Dialect): AdapterPrompt[number] {
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: textOf(message.content) };
    case 'user':
      return { role: 'user', content: partsOf(message.content) };
    case 'assistant': {
      for (const call of message.tool_calls ?? []) names.set(call.id, call.function.name);
      return { role: 'assistant', content: assistantContent(message, dialect) };
    }
    case 'tool': {
      const id = message.tool_call_id;
      const value = partsOf(message.content);
      return {
        role: 'tool',
        content: [
          {
            type: 'tool-result',
            toolCallId: id,
            toolName: names.get(id) ?? '',
            output: { type: 'content', value },
          },
        ],
      };
    }
  }
}

export function toolChoice(choice: string | { name: string } | null | undefined): ToolChoice | undefined {
  if (choice === null || choice === undefined) return undefined;
  if (typeof choice === 'object') return { type: 'tool', toolName: choice.name };
  return choice === 'required' || choice === 'none' ? { type: choice } : { type: 'auto' };
}

type Assistant = Extract<Message, { role: 'assistant' }>;

function assistantContent(message: Assistant, dialect: Dialect): AssistantContent {
  const calls: AssistantContent = [];
  const reasoning: NonNullable<Envelope['reasoning']> = [];
  for (const { id, function: call, extra_content } of message.tool_calls ?? []) {
    const kept = openEnvelope(extra_content?.openlegion, dialect);
    reasoning.push(...(kept?.reasoning ?? []));
    calls.push({
      type: 'tool-call',
      toolCallId: id,
      toolName: call.name,
      input: callInput(call.arguments),
      ...set({ providerOptions: kept?.data }),
    });
  }
  const said = textOf(message.content ?? message.refusal ?? '');
  return [
    ...reasoning.map(({ text, data }) => ({
      type: 'reasoning' as const,
      text,
      ...set({ providerOptions: data }),
    })),
    ...(said === '' ? [] : [{ type: 'text' as const, text: said }]),
    ...calls,
  ];
}

function partsOf(content: z.infer<typeof Content>): UserContent {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content.map((part) =>
    part.type === 'image_url'
      ? imageOfUrl(part.image_url.url)
      : { type: 'text', text: part.type === 'text' ? part.text : part.refusal },
  );
}

function textOf(content: z.infer<typeof Content>): string {
  return partsOf(content)
    .map((part) => {
      if (part.type === 'text') return part.text;
      throw badRequest('image', 'An image can be in a message of the user only.', 'Move it there.');
    })
    .join('\n');
}
