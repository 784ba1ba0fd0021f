/* OpenAI's and Anthropic's own clients, unmodified, asked the same things of providers of every dialect. */
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import type { Dialect } from '@openlegion/contract/catalog';
import OpenAI from 'openai';
import { dialectOf, type EndpointRig, startEndpoint } from './model-endpoint-rig.ts';
import { type Shape, streamOf } from './provider-shapes.ts';

export const MODELS = [
  'openai/gpt-5-mini',
  'anthropic/claude-haiku-4-5',
  'google/gemini-2.5-flash',
  'local/qwen3',
];
export const SCHEMA = {
  type: 'object' as const,
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
export const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
export const QUESTION = 'Is it Paris?';

export const openai = ({ url }: EndpointRig) =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 });
export const anthropic = ({ url }: EndpointRig) =>
  new Anthropic({ baseURL: url, apiKey: 'any', maxRetries: 0 });

/** What a program makes of an answer, in one form for the three interfaces. */
export interface Seen {
  text: string;
  reasoning: string;
  calls: { name: string; input: unknown }[];
  ended: string | null | undefined;
  usage: (number | null | undefined)[];
}

export interface Client {
  name: string;
  dialect: Dialect;
  /** How it says: whole, wants tools, was cut, was filtered. */
  ends: Record<Exclude<Shape, 'error'>, string>;
  ask(rig: EndpointRig, stream: boolean, shape: Shape): Promise<Seen>;
  /** Asks, runs the tools, and asks again with all that was answered. */
  useTools(rig: EndpointRig): Promise<string>;
}

export const chatTools = [{ type: 'function' as const, function: { name: 'weather', parameters: SCHEMA } }];
export const responsesTools = [
  { type: 'function' as const, name: 'weather', parameters: SCHEMA, strict: true },
];
export const messagesTools = [{ name: 'weather', input_schema: SCHEMA }];

export const chat: Client = {
  name: 'chat completions',
  dialect: 'openai-chat',
  ends: { text: 'stop', calls: 'tool_calls', cut: 'length', filtered: 'content_filter' },
  async ask(rig, stream) {
    const body = {
      model: 'gpt-4o',
      messages: [{ role: 'user' as const, content: QUESTION }],
      tools: chatTools,
      reasoning_effort: 'low' as const,
    };
    const completions = openai(rig).chat.completions;
    const done = stream
      ? await completions.stream({ ...body, stream_options: { include_usage: true } }).finalChatCompletion()
      : await completions.create(body);
    const [choice] = done.choices;
    const { usage } = done;
    return {
      text: choice?.message.content ?? '',
      reasoning: String(Reflect.get(choice?.message ?? {}, 'reasoning_content') ?? ''),
      calls: (choice?.message.tool_calls ?? []).flatMap((call) =>
        call.type === 'function'
          ? [{ name: call.function.name, input: JSON.parse(call.function.arguments) }]
          : [],
      ),
      ended: choice?.finish_reason,
      usage: [
        usage?.prompt_tokens,
        usage?.prompt_tokens_details?.cached_tokens,
        usage?.completion_tokens,
        usage?.completion_tokens_details?.reasoning_tokens,
      ],
    };
  },
  async useTools(rig) {
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: QUESTION }];
    const { completions } = openai(rig).chat;
    const first = await completions.create({ model: 'default', messages, tools: chatTools });
    const message = first.choices[0]?.message;
    assert.ok(message?.tool_calls);
    messages.push(message);
    for (const { id } of message.tool_calls)
      messages.push({ role: 'tool', tool_call_id: id, content: `sun for ${id}` });
    const last = await completions.create({ model: 'default', messages, tools: chatTools });
    return last.choices[0]?.message.content ?? '';
  },
};

export const responses: Client = {
  name: 'responses',
  dialect: 'openai-responses',
  ends: { text: 'completed', calls: 'completed', cut: 'max_output_tokens', filtered: 'content_filter' },
  async ask(rig, stream) {
    const body = {
      model: 'gpt-4o',
      input: QUESTION,
      tools: responsesTools,
      reasoning: { effort: 'low' as const },
    };
    const client = openai(rig).responses;
    const done = stream ? await client.stream(body).finalResponse() : await client.create(body);
    return {
      text: done.output_text,
      reasoning: done.output
        .flatMap((item) => (item.type === 'reasoning' ? item.summary.map(({ text }) => text) : []))
        .join(''),
      calls: done.output.flatMap((item) =>
        item.type === 'function_call' ? [{ name: item.name, input: JSON.parse(item.arguments) }] : [],
      ),
      ended: done.incomplete_details?.reason ?? done.status,
      usage: [
        done.usage?.input_tokens,
        done.usage?.input_tokens_details.cached_tokens,
        done.usage?.output_tokens,
        done.usage?.output_tokens_details.reasoning_tokens,
      ],
    };
  },
  async useTools(rig) {
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: QUESTION }];
    const client = openai(rig).responses;
    const first = await client.create({ model: 'default', input, tools: responsesTools, store: false });
    input.push(...(first.output as OpenAI.Responses.ResponseInput));
    for (const item of first.output)
      if (item.type === 'function_call')
        input.push({
          type: 'function_call_output',
          call_id: item.call_id,
          output: `sun for ${item.call_id}`,
        });
    return (await client.create({ model: 'default', input, tools: responsesTools, store: false }))
      .output_text;
  },
};

export const messages: Client = {
  name: 'messages',
  dialect: 'anthropic',
  ends: { text: 'end_turn', calls: 'tool_use', cut: 'max_tokens', filtered: 'refusal' },
  async ask(rig, stream) {
    const body = {
      model: 'claude-x',
      max_tokens: 4000,
      messages: [{ role: 'user' as const, content: QUESTION }],
      tools: messagesTools,
      thinking: { type: 'enabled' as const, budget_tokens: 2000 },
    };
    const client = anthropic(rig).messages;
    const done = stream ? await client.stream(body).finalMessage() : await client.create(body);
    const { usage } = done;
    return {
      text: done.content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
      reasoning: done.content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
      calls: done.content.flatMap((block) =>
        block.type === 'tool_use' ? [{ name: block.name, input: block.input }] : [],
      ),
      ended: done.stop_reason,
      usage: [
        usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0),
        usage.cache_read_input_tokens,
        usage.output_tokens,
        usage.output_tokens_details?.thinking_tokens,
      ],
    };
  },
  async useTools(rig) {
    const said: Anthropic.MessageParam[] = [{ role: 'user', content: QUESTION }];
    const body = { model: 'default', max_tokens: 4000, tools: messagesTools };
    const client = anthropic(rig).messages;
    const first = await client.create({ ...body, messages: said });
    said.push({ role: 'assistant', content: first.content });
    said.push({
      role: 'user',
      content: first.content.flatMap((block) =>
        block.type === 'tool_use'
          ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: `sun for ${block.id}` }]
          : [],
      ),
    });
    const last = await client.create({ ...body, messages: said });
    return last.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  },
};

export const CLIENTS = [chat, responses, messages];
export const startShape = (model: string, ...shapes: Shape[]) =>
  startEndpoint({
    chain: [model],
    answer: (_call, nth) => ({
      body: streamOf(dialectOf(model), shapes[Math.min(nth, shapes.length - 1)] ?? 'text'),
    }),
  });
