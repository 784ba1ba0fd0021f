import { z } from 'zod';
import type { FinishReason } from '../../model/read-adapter-stream.ts';
import { openAiError } from '../answer-error.ts';
import type { AnswerUsage, PieceKind } from '../answer-pieces.ts';
import { type Envelope, sealEnvelope } from '../reasoning-envelope.ts';
import type { WireEvent, WireWriter, WriterOptions } from '../wire-writer.ts';

const Asked = z.object({ stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish() });

const FINISH: Record<FinishReason, string> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  content_filter: 'content_filter',
  other: 'stop',
};

interface Call {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
  extra_content?: { openlegion: string };
}

/** OpenAI's chat completions. What a provider wants back with a call is in its `extra_content`. */
export function createChatWriter(options: WriterOptions): WireWriter {
  const asked = Asked.safeParse(options.request);
  const wantsUsage = asked.success && asked.data.stream_options?.include_usage === true;
  const base = { id: `chatcmpl-${options.id}`, created: options.created, model: options.model };
  const said = { text: '', reasoning: '' };
  const calls: Call[] = [];
  let pending: NonNullable<Envelope['reasoning']> = [];
  let kind: PieceKind = 'text';
  let finish: { reason: FinishReason; usage: AnswerUsage } | undefined;

  const chunk = (delta: object, finish_reason: string | null = null): WireEvent => ({
    data: {
      ...base,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
      ...(wantsUsage ? { usage: null } : {}),
    },
  });
  const callChunk = (fields: object) => chunk({ tool_calls: [{ index: calls.length - 1, ...fields }] });

  return {
    start: () => [chunk({ role: 'assistant', content: '' })],
    piece(piece) {
      switch (piece.type) {
        case 'open': {
          kind = piece.kind;
          if (kind !== 'call') return [];
          const named = { id: piece.id, type: 'function' as const };
          calls.push({ ...named, function: { name: piece.name, arguments: '' } });
          return [callChunk({ ...named, function: { name: piece.name, arguments: '' } })];
        }
        case 'delta':
          if (kind === 'call') return [callChunk({ function: { arguments: piece.text } })];
          said[kind] += piece.text;
          return [chunk(kind === 'text' ? { content: piece.text } : { reasoning_content: piece.text })];
        case 'close': {
          const { text, data } = piece;
          if (kind === 'reasoning') pending.push({ text, data });
          const call = calls.at(-1);
          if (kind !== 'call' || !call) return [];
          call.function.arguments = text;
          if (!data && pending.length === 0) return [];
          const openlegion = sealEnvelope({ dialect: options.dialect, data, reasoning: pending });
          pending = [];
          call.extra_content = { openlegion };
          return [callChunk({ function: { arguments: '' }, extra_content: { openlegion } })];
        }
        case 'finish': {
          finish = piece;
          const usage = {
            ...base,
            object: 'chat.completion.chunk',
            choices: [],
            usage: chatUsage(piece.usage),
          };
          const counted = wantsUsage ? [{ data: usage }] : [];
          return [chunk({}, FINISH[piece.reason]), ...counted, { data: '[DONE]' }];
        }
      }
    },
    failed: (refusal) => [{ data: openAiError(502, refusal) }],
    whole: () => ({
      ...base,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: said.text === '' && calls.length > 0 ? null : said.text,
            refusal: null,
            ...(said.reasoning === '' ? {} : { reasoning_content: said.reasoning }),
            ...(calls.length === 0 ? {} : { tool_calls: calls }),
          },
          logprobs: null,
          finish_reason: FINISH[finish?.reason ?? 'other'],
        },
      ],
      ...(finish ? { usage: chatUsage(finish.usage) } : {}),
    }),
  };
}

function chatUsage(usage: AnswerUsage) {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cacheReadTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  };
}
