import type { Dialect } from '@openlegion/contract/catalog';
import { z } from 'zod';
import type { AdapterPrompt } from '../../model/adapter.ts';
import { parseWire } from '../bad-request.ts';
import {
  type AssistantContent,
  callInput,
  imageOfUrl,
  type NeutralRequest,
  reasoningPart,
  set,
  toolCall,
  toolResult,
  type UserContent,
} from '../neutral-request.ts';
import { type Envelope, openEnvelope } from '../reasoning-envelope.ts';
import {
  ChoiceWord,
  Effort,
  Factor,
  Flag,
  FunctionFields,
  functionTool,
  jsonAnswer,
  SchemaFields,
  Text,
  Tokens,
  textOf,
  toolChoice,
} from '../wire-fields.ts';

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
    refusal: Text,
    tool_calls: z.array(Call).nullish(),
  }),
  z.object({ role: z.literal('tool'), tool_call_id: z.string(), content: Content }),
]);
type Message = z.infer<typeof Message>;
const ChatRequest = z.object({
  messages: z.array(Message).min(1),
  tools: z.array(z.object({ type: z.literal('function'), function: z.object(FunctionFields) })).nullish(),
  tool_choice: z
    .union([ChoiceWord, z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) })])
    .nullish(),
  parallel_tool_calls: Flag,
  response_format: z
    .discriminatedUnion('type', [
      z.object({ type: z.enum(['text', 'json_object']) }),
      z.object({ type: z.literal('json_schema'), json_schema: z.object(SchemaFields) }),
    ])
    .nullish(),
  reasoning_effort: Effort,
  max_tokens: Tokens,
  max_completion_tokens: Tokens,
  temperature: Factor,
  top_p: Factor,
  frequency_penalty: Factor,
  presence_penalty: Factor,
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
    tools: (asked.tools ?? []).map((tool) => functionTool(tool.function)),
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
      responseFormat: jsonAnswer(schema ?? format?.type === 'json_object'),
    }),
    parallelToolCalls: asked.parallel_tool_calls ?? undefined,
    strictSchema: schema?.strict === true,
  };
}

function readMessage(message: Message, names: Map<string, string>, dialect: Dialect): AdapterPrompt[number] {
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: textOf(partsOf(message.content)) };
    case 'user':
      return { role: 'user', content: partsOf(message.content) };
    case 'assistant': {
      for (const call of message.tool_calls ?? []) names.set(call.id, call.function.name);
      return { role: 'assistant', content: assistantContent(message, dialect) };
    }
    case 'tool': {
      const output = { type: 'content' as const, value: partsOf(message.content) };
      return { role: 'tool', content: [toolResult(message.tool_call_id, names, output)] };
    }
  }
}

type Assistant = Extract<Message, { role: 'assistant' }>;

function assistantContent(message: Assistant, dialect: Dialect): AssistantContent {
  const calls: AssistantContent = [];
  const reasoning: NonNullable<Envelope['reasoning']> = [];
  for (const { id, function: call, extra_content } of message.tool_calls ?? []) {
    const kept = openEnvelope(extra_content?.openlegion, dialect);
    reasoning.push(...(kept?.reasoning ?? []));
    calls.push(toolCall(id, call.name, callInput(call.arguments), kept?.data));
  }
  const said = textOf(partsOf(message.content ?? message.refusal ?? ''));
  return [
    ...reasoning.map(reasoningPart),
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
