import { z } from 'zod';
import type { FinishReason } from '../../model/read-adapter-stream.ts';
import { anthropicError } from '../answer-error.ts';
import type { AnswerUsage, Piece } from '../answer-pieces.ts';
import { callInput } from '../neutral-request.ts';
import { type Envelope, sealEnvelope } from '../reasoning-envelope.ts';
import type { WireEvent, WireWriter, WriterOptions } from '../wire-writer.ts';

const Asked = z.object({ thinking: z.object({ type: z.enum(['enabled', 'adaptive']) }) });

const STOP: Record<FinishReason, string> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
  other: 'end_turn',
};

type Open = Extract<Piece, { type: 'open' }>;

/**
 * Anthropic's messages. A client that did not ask for thinking is shown none; what a provider wants back with a call
 * follows the call, in a block of redacted thinking.
 */
export function createMessagesWriter(options: WriterOptions): WireWriter {
  const thinks = Asked.safeParse(options.request).success;
  const content: object[] = [];
  let pending: NonNullable<Envelope['reasoning']> = [];
  let open: Open | undefined;
  let finish: { reason: FinishReason; usage: AnswerUsage } | undefined;

  const message = (fields: object) => ({
    id: `msg_${options.id}`,
    type: 'message',
    role: 'assistant',
    model: options.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    ...fields,
  });
  const named = (type: string, fields: object = {}): WireEvent => ({
    event: type,
    data: { type, ...fields },
  });
  const start = (block: object) =>
    named('content_block_start', { index: content.length, content_block: block });
  const delta = (fields: object) => named('content_block_delta', { index: content.length, delta: fields });
  const stop = (block: object) => {
    const event = named('content_block_stop', { index: content.length });
    content.push(block);
    return event;
  };

  const close = ({ kind, id, name }: Open, text: string, data: Envelope['data']): WireEvent[] => {
    const { dialect } = options;
    if (kind === 'text') return [stop({ type: 'text', text, citations: null })];
    if (kind === 'reasoning') {
      const signature = sealEnvelope({ dialect, data });
      const signed = delta({ type: 'signature_delta', signature });
      return [signed, stop({ type: 'thinking', thinking: text, signature })];
    }
    const events = [stop({ type: 'tool_use', id, name, input: callInput(text) })];
    if (data || pending.length > 0) {
      const sealed = sealEnvelope({ dialect, callId: id, data, reasoning: pending });
      const redacted = { type: 'redacted_thinking', data: sealed };
      events.push(start(redacted), stop(redacted));
      pending = [];
    }
    return events;
  };

  return {
    start: () => [named('message_start', { message: message({ usage: usageOf(options.inputTokens) }) })],
    piece(piece) {
      switch (piece.type) {
        case 'open':
          open = piece;
          if (piece.kind === 'call')
            return [start({ type: 'tool_use', id: piece.id, name: piece.name, input: {} })];
          if (piece.kind === 'text') return [start({ type: 'text', text: '', citations: null })];
          return thinks ? [start({ type: 'thinking', thinking: '', signature: '' })] : [];
        case 'delta':
          if (open?.kind === 'call') return [delta({ type: 'input_json_delta', partial_json: piece.text })];
          if (open?.kind === 'text') return [delta({ type: 'text_delta', text: piece.text })];
          return thinks ? [delta({ type: 'thinking_delta', thinking: piece.text })] : [];
        case 'close':
          if (!open) return [];
          if (open.kind === 'reasoning' && !thinks) {
            pending.push({ text: piece.text, data: piece.data });
            return [];
          }
          return close(open, piece.text, piece.data);
        case 'finish':
          finish = piece;
          return [
            named('message_delta', {
              delta: { stop_reason: STOP[piece.reason], stop_sequence: null },
              usage: answerUsage(piece.usage),
            }),
            named('message_stop'),
          ];
      }
    },
    failed: (refusal) => [{ event: 'error', data: anthropicError(502, refusal) }],
    whole: () =>
      message({
        content,
        stop_reason: STOP[finish?.reason ?? 'other'],
        usage: finish ? answerUsage(finish.usage) : usageOf(options.inputTokens),
      }),
  };
}

function answerUsage(usage: AnswerUsage) {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = usage;
  return {
    ...usageOf(Math.max(0, inputTokens - cacheReadTokens - cacheWriteTokens)),
    cache_creation_input_tokens: cacheWriteTokens,
    cache_read_input_tokens: cacheReadTokens,
    output_tokens: outputTokens,
    output_tokens_details: { thinking_tokens: usage.reasoningTokens },
  };
}

function usageOf(inputTokens: number) {
  return {
    input_tokens: inputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 0,
  };
}
