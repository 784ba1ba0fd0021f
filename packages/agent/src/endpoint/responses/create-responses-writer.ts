import type { Refusal } from '@openlegion/contract/refusal';
import { z } from 'zod';
import type { FinishReason } from '../../model/read-adapter-stream.ts';
import type { AnswerUsage, Piece } from '../answer-pieces.ts';
import { type Envelope, sealEnvelope } from '../reasoning-envelope.ts';
import type { WireEvent, WireWriter, WriterOptions } from '../wire-writer.ts';

const optional = z.unknown().optional();
/** What an answer repeats of its request. */
const Echo = z.object({
  instructions: optional,
  metadata: optional,
  tools: optional,
  tool_choice: optional,
  temperature: optional,
  top_p: optional,
  max_output_tokens: optional,
  parallel_tool_calls: optional,
  reasoning: optional,
  text: optional,
});

type Open = Extract<Piece, { type: 'open' }>;

/** OpenAI's responses. Nothing is stored; what a provider wants back is in the `encrypted_content` of reasoning. */
export function createResponsesWriter(options: WriterOptions): WireWriter {
  const echo = Echo.safeParse(options.request).data ?? {};
  const output: object[] = [];
  let sequence = 0;
  let open: Open | undefined;
  let finish: { reason: FinishReason; usage: AnswerUsage } | undefined;

  const response = (status: string, fields: object = {}) => ({
    id: `resp_${options.id}`,
    object: 'response',
    created_at: options.created,
    model: options.model,
    status,
    error: null,
    incomplete_details: null,
    output: [],
    instructions: null,
    metadata: {},
    tools: [],
    tool_choice: 'auto',
    parallel_tool_calls: true,
    temperature: null,
    top_p: null,
    max_output_tokens: null,
    previous_response_id: null,
    reasoning: null,
    text: { format: { type: 'text' } },
    truncation: 'disabled',
    usage: null,
    ...echo,
    store: false,
    ...fields,
  });
  const ended = () => {
    const reason = finish?.reason;
    const cut = reason === 'length' ? 'max_output_tokens' : reason === 'content_filter' ? reason : undefined;
    return response(cut ? 'incomplete' : 'completed', {
      output,
      ...(cut ? { incomplete_details: { reason: cut } } : {}),
      ...(finish ? { usage: usageOf(finish.usage) } : {}),
    });
  };
  const event = (type: string, fields: object): WireEvent => ({
    event: type,
    data: { type, sequence_number: sequence++, ...fields },
  });
  const itemId = () =>
    `${{ text: 'msg', reasoning: 'rs', call: 'fc' }[open?.kind ?? 'text']}_${options.id}_${output.length}`;
  const at = () => ({ item_id: itemId(), output_index: output.length });

  const opened = ({ kind, id, name }: Open): WireEvent[] => {
    const added = (item: object) =>
      event('response.output_item.added', { output_index: output.length, item: { id: itemId(), ...item } });
    if (kind === 'call')
      return [added({ type: 'function_call', call_id: id, name, arguments: '', status: 'in_progress' })];
    if (kind === 'reasoning')
      return [
        added({ type: 'reasoning', summary: [] }),
        event('response.reasoning_summary_part.added', { ...at(), summary_index: 0, part: summary('') }),
      ];
    return [
      added({ type: 'message', role: 'assistant', status: 'in_progress', content: [] }),
      event('response.content_part.added', { ...at(), content_index: 0, part: outputText('') }),
    ];
  };

  const filled = (kind: Open['kind'], delta: string): WireEvent => {
    if (kind === 'call') return event('response.function_call_arguments.delta', { ...at(), delta });
    if (kind === 'reasoning')
      return event('response.reasoning_summary_text.delta', { ...at(), summary_index: 0, delta });
    return event('response.output_text.delta', { ...at(), content_index: 0, delta, logprobs: [] });
  };

  const closed = ({ kind, id, name }: Open, text: string, data: Envelope['data']): WireEvent[] => {
    const { dialect } = options;
    const done = (item: object): WireEvent => {
      const whole = { id: itemId(), ...item };
      const last = event('response.output_item.done', { output_index: output.length, item: whole });
      output.push(whole);
      return last;
    };
    if (kind === 'text')
      return [
        event('response.output_text.done', { ...at(), content_index: 0, text, logprobs: [] }),
        event('response.content_part.done', { ...at(), content_index: 0, part: outputText(text) }),
        done({ type: 'message', role: 'assistant', status: 'completed', content: [outputText(text)] }),
      ];
    if (kind === 'reasoning')
      return [
        event('response.reasoning_summary_text.done', { ...at(), summary_index: 0, text }),
        event('response.reasoning_summary_part.done', { ...at(), summary_index: 0, part: summary(text) }),
        done({
          type: 'reasoning',
          summary: text === '' ? [] : [summary(text)],
          encrypted_content: sealEnvelope({ dialect, data }),
        }),
      ];
    const events = [
      event('response.function_call_arguments.done', { ...at(), name, arguments: text }),
      done({ type: 'function_call', call_id: id, name, arguments: text, status: 'completed' }),
    ];
    if (data) {
      open = { type: 'open', kind: 'reasoning', id: '', name: '' };
      const encrypted_content = sealEnvelope({ dialect, callId: id, data });
      const item = { id: itemId(), type: 'reasoning', summary: [], encrypted_content };
      const added = { output_index: output.length, item };
      events.push(event('response.output_item.added', added), done(item));
    }
    return events;
  };

  return {
    start: () => [
      event('response.created', { response: response('in_progress') }),
      event('response.in_progress', { response: response('in_progress') }),
    ],
    piece(piece) {
      switch (piece.type) {
        case 'open':
          open = piece;
          return opened(piece);
        case 'delta':
          return open ? [filled(open.kind, piece.text)] : [];
        case 'close':
          return open ? closed(open, piece.text, piece.data) : [];
        case 'finish': {
          finish = piece;
          const last = ended();
          return [event(`response.${last.status}`, { response: last })];
        }
      }
    },
    failed: ({ code, message }: Refusal) => [
      event('error', { code, message, param: null }),
      event('response.failed', {
        response: response('failed', { output, error: { code: 'server_error', message } }),
      }),
    ],
    whole: ended,
  };
}

function outputText(text: string) {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

function summary(text: string) {
  return { type: 'summary_text', text };
}

function usageOf(usage: AnswerUsage) {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: {
      cached_tokens: usage.cacheReadTokens,
      cache_write_tokens: usage.cacheWriteTokens,
    },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}
