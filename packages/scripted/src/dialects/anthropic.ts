import { z } from 'zod';
import type { WireAnswer } from '../wire-answer.ts';
import type { WireMessage } from '../wire-request.ts';
import { parseBody, TextOrParts } from './parse-body.ts';
import { type StreamPart, serverSent, type WireDialect } from './wire-dialect.ts';

const Block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
  input: z.unknown().optional(),
  tool_use_id: z.string().optional(),
  content: z.unknown().optional(),
});

const Body = z.object({
  model: z.string(),
  stream: z.boolean().nullish(),
  max_tokens: z.int().positive(),
  system: TextOrParts,
  messages: z
    .array(
      z.object({
        role: z.enum(['user', 'assistant', 'system']),
        content: z.union([z.string(), z.array(Block)]),
      }),
    )
    .min(1),
});

/** `POST /v1/messages`. */
export const ANTHROPIC: WireDialect = {
  parse: (body) =>
    parseBody(Body, body, (read) => ({
      model: read.model,
      stream: read.stream ?? false,
      messages: [
        ...(read.system === '' ? [] : [{ role: 'system' as const, text: read.system }]),
        ...messagesOf(read.messages),
      ],
      maxOutputTokens: read.max_tokens,
      includeUsage: true,
    })),

  whole: (answer) => ({
    ...message(answer),
    content: [
      ...(answer.reasoning === ''
        ? []
        : [{ type: 'thinking', thinking: answer.reasoning, signature: signature(answer) }]),
      ...(answer.text === '' ? [] : [{ type: 'text', text: answer.text }]),
      ...answer.calls.map((call) => ({
        type: 'tool_use',
        id: toolId(call.id),
        name: call.tool,
        input: JSON.parse(call.arguments),
      })),
    ],
    stop_reason: STOP[answer.stop],
    usage: usage(answer, answer.usage.output),
  }),

  *stream(answer, pieces) {
    const event = (type: string, data: object, piece = false): StreamPart => ({
      sent: serverSent({ type, ...data }, type),
      piece,
    });
    const delta = (index: number, type: string, data: object): StreamPart =>
      event('content_block_delta', { index, delta: { type, ...data } }, true);
    yield event('message_start', { message: { ...message(answer), usage: usage(answer, 1) } });
    yield event('ping', {});
    let index = -1;
    let open = '';
    const close = function* (): Generator<StreamPart> {
      if (open === 'reasoning')
        yield event('content_block_delta', {
          index,
          delta: { type: 'signature_delta', signature: signature(answer) },
        });
      if (index >= 0) yield event('content_block_stop', { index });
    };
    for (const piece of pieces) {
      const block = piece.type === 'call' ? `call ${piece.index}` : piece.type;
      if (block !== open) {
        yield* close();
        index += 1;
        open = block;
        yield event('content_block_start', { index, content_block: opening(answer, piece) });
      }
      if (piece.type === 'reasoning') yield delta(index, 'thinking_delta', { thinking: piece.text });
      else if (piece.type === 'text') yield delta(index, 'text_delta', { text: piece.text });
      else yield delta(index, 'input_json_delta', { partial_json: piece.arguments });
    }
    yield* close();
    yield event('message_delta', {
      delta: { stop_reason: STOP[answer.stop], stop_sequence: null },
      usage: usage(answer, answer.usage.output),
    });
    yield event('message_stop', {});
  },

  failure: (status, text) => ({
    type: 'error',
    error: {
      type: FAILURES.get(status) ?? (status < 500 ? 'invalid_request_error' : 'api_error'),
      message: text,
    },
    request_id: null,
  }),
};

const STOP = { stop: 'end_turn', tool_calls: 'tool_use', length: 'max_tokens' } as const;

const FAILURES = new Map([
  [401, 'authentication_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [529, 'overloaded_error'],
]);

function messagesOf(messages: z.infer<typeof Body>['messages']): WireMessage[] {
  const tools = new Map<string, string>();
  const read: WireMessage[] = [];
  for (const { role, content } of messages) {
    if (typeof content === 'string') {
      read.push({ role, text: content });
      continue;
    }
    let text = '';
    for (const block of content) {
      if (block.type === 'tool_use' && block.id !== undefined) {
        tools.set(block.id, block.name ?? '');
        text += `${block.name}${JSON.stringify(block.input)}`;
      } else if (block.type === 'tool_result') {
        const result = TextOrParts.safeParse(block.content);
        read.push({ role: 'tool', tool: tools.get(block.tool_use_id ?? '') ?? '', text: result.data ?? '' });
      } else text += block.text ?? '';
    }
    // A user message of results alone is no message of the user's.
    if (role === 'assistant' || text !== '' || read.at(-1)?.role !== 'tool') read.push({ role, text });
  }
  return read;
}

function opening(answer: WireAnswer, piece: { type: string; index?: number }): object {
  if (piece.type === 'reasoning') return { type: 'thinking', thinking: '', signature: '' };
  if (piece.type === 'text') return { type: 'text', text: '' };
  const call = answer.calls[piece.index ?? 0];
  return { type: 'tool_use', id: toolId(call?.id ?? ''), name: call?.tool, input: {} };
}

const toolId = (id: string) => `toolu_${id.replace('call_', '')}`;
const signature = (answer: WireAnswer) => Buffer.from(`scripted ${answer.id}`).toString('base64');

const message = (answer: WireAnswer) => ({
  id: `msg_${answer.id}`,
  type: 'message',
  role: 'assistant',
  model: answer.model,
  content: [],
  stop_reason: null,
  stop_sequence: null,
});

const usage = (answer: WireAnswer, output: number) => ({
  input_tokens: answer.usage.input,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: output,
});
