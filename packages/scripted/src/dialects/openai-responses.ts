import { z } from 'zod';
import type { Piece, WireAnswer } from '../wire-answer.ts';
import type { WireMessage } from '../wire-request.ts';
import { openAiFailure } from './openai-failure.ts';
import { parseBody, TextOrParts } from './parse-body.ts';
import { type StreamPart, serverSent, type WireDialect } from './wire-dialect.ts';

const Item = z.looseObject({
  type: z.string().optional(),
  role: z.enum(['system', 'developer', 'user', 'assistant']).optional(),
  content: TextOrParts,
  call_id: z.string().optional(),
  name: z.string().optional(),
  arguments: z.string().optional(),
  output: TextOrParts,
});

const Body = z.object({
  model: z.string(),
  stream: z.boolean().nullish(),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().positive().nullish(),
  input: z.union([z.string(), z.array(Item).min(1)]),
});

/** `POST /v1/responses`. */
export const OPENAI_RESPONSES: WireDialect = {
  parse: (body) =>
    parseBody(Body, body, (read) => ({
      model: read.model,
      stream: read.stream ?? false,
      messages: [
        ...(read.instructions ? [{ role: 'system' as const, text: read.instructions }] : []),
        ...messagesOf(read.input),
      ],
      maxOutputTokens: read.max_output_tokens ?? null,
      includeUsage: true,
    })),

  whole: (answer) =>
    response(answer, { ...ended(answer), output: blocksOf(answer).map((block) => itemOf(answer, block)) }),

  *stream(answer, pieces) {
    let sequence = 0;
    const event = (type: string, data: object, piece = false): StreamPart => ({
      sent: serverSent({ type, sequence_number: sequence++, ...data }, type),
      piece,
    });
    const fresh = { status: 'in_progress', output: [], usage: null };
    yield event('response.created', { response: response(answer, fresh) });
    yield event('response.in_progress', { response: response(answer, fresh) });
    const blocks = blocksOf(answer);
    const waiting = [...pieces];
    for (const [index, block] of blocks.entries()) {
      const at = { item_id: itemId(answer, block), output_index: index };
      yield event('response.output_item.added', { output_index: index, item: itemOf(answer, block, true) });
      yield* OPENINGS[block.type](event, at);
      while (waiting[0] && belongs(waiting[0], block)) {
        const piece = waiting.shift();
        if (piece) yield deltaOf(event, at, piece);
      }
      yield* endingOf(event, at, answer, block);
      yield event('response.output_item.done', { output_index: index, item: itemOf(answer, block) });
    }
    const last = response(answer, { ...ended(answer), output: blocks.map((block) => itemOf(answer, block)) });
    yield event(answer.stop === 'length' ? 'response.incomplete' : 'response.completed', { response: last });
  },

  failure: openAiFailure,
};

type Block = { type: 'reasoning' } | { type: 'text' } | { type: 'call'; index: number };
type Event = (type: string, data: object, piece?: boolean) => StreamPart;

function messagesOf(input: z.infer<typeof Body>['input']): WireMessage[] {
  if (typeof input === 'string') return [{ role: 'user', text: input }];
  const tools = new Map<string, string>();
  return input.flatMap((item): WireMessage[] => {
    if (item.type === 'function_call') {
      tools.set(item.call_id ?? '', item.name ?? '');
      return [{ role: 'assistant', text: `${item.name}${item.arguments}` }];
    }
    if (item.type === 'function_call_output')
      return [{ role: 'tool', tool: tools.get(item.call_id ?? '') ?? '', text: item.output }];
    if (item.role === undefined) return []; // Reasoning, references: nothing that a rule looks at.
    return [{ role: item.role === 'developer' ? 'system' : item.role, text: item.content }];
  });
}

function blocksOf(answer: WireAnswer): Block[] {
  return [
    ...(answer.reasoning === '' ? [] : [{ type: 'reasoning' as const }]),
    ...(answer.text === '' && answer.calls.length > 0 ? [] : [{ type: 'text' as const }]),
    ...answer.calls.map((_, index) => ({ type: 'call' as const, index })),
  ];
}

const belongs = (piece: Piece, block: Block) =>
  piece.type === block.type &&
  (piece.type !== 'call' || block.type !== 'call' || piece.index === block.index);

function itemId(answer: WireAnswer, block: Block): string {
  if (block.type === 'reasoning') return `rs_${answer.id}`;
  return block.type === 'text' ? `msg_${answer.id}` : `fc_${answer.id}${block.index}`;
}

/** An item of the output, as it stands at its opening or at its end. */
function itemOf(answer: WireAnswer, block: Block, opening = false): object {
  const id = itemId(answer, block);
  const status = opening ? 'in_progress' : 'completed';
  if (block.type === 'reasoning')
    return {
      id,
      type: 'reasoning',
      summary: opening ? [] : [{ type: 'summary_text', text: answer.reasoning }],
    };
  if (block.type === 'text')
    return {
      id,
      type: 'message',
      status,
      role: 'assistant',
      content: opening ? [] : [textPart(answer.text)],
    };
  const call = answer.calls[block.index];
  return {
    id,
    type: 'function_call',
    status,
    call_id: call?.id,
    name: call?.tool,
    arguments: opening ? '' : call?.arguments,
  };
}

const textPart = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] });

const OPENINGS: Record<Block['type'], (event: Event, at: object) => Generator<StreamPart>> = {
  *reasoning(event, at) {
    const part = { type: 'summary_text', text: '' };
    yield event('response.reasoning_summary_part.added', { ...at, summary_index: 0, part });
  },
  *text(event, at) {
    yield event('response.content_part.added', { ...at, content_index: 0, part: textPart('') });
  },
  *call() {},
};

function deltaOf(event: Event, at: object, piece: Piece): StreamPart {
  if (piece.type === 'reasoning')
    return event(
      'response.reasoning_summary_text.delta',
      { ...at, summary_index: 0, delta: piece.text },
      true,
    );
  if (piece.type === 'text')
    return event(
      'response.output_text.delta',
      { ...at, content_index: 0, delta: piece.text, logprobs: [] },
      true,
    );
  return event('response.function_call_arguments.delta', { ...at, delta: piece.arguments }, true);
}

function* endingOf(event: Event, at: object, answer: WireAnswer, block: Block): Generator<StreamPart> {
  if (block.type === 'reasoning') {
    const text = answer.reasoning;
    yield event('response.reasoning_summary_text.done', { ...at, summary_index: 0, text });
    yield event('response.reasoning_summary_part.done', {
      ...at,
      summary_index: 0,
      part: { type: 'summary_text', text },
    });
  } else if (block.type === 'text') {
    yield event('response.output_text.done', { ...at, content_index: 0, text: answer.text, logprobs: [] });
    yield event('response.content_part.done', { ...at, content_index: 0, part: textPart(answer.text) });
  } else {
    const call = answer.calls[block.index];
    yield event('response.function_call_arguments.done', {
      ...at,
      name: call?.tool,
      arguments: call?.arguments,
    });
  }
}

const ended = (answer: WireAnswer) => ({
  status: answer.stop === 'length' ? 'incomplete' : 'completed',
  incomplete_details: answer.stop === 'length' ? { reason: 'max_output_tokens' } : null,
  usage: {
    input_tokens: answer.usage.input,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: answer.usage.output,
    output_tokens_details: { reasoning_tokens: answer.usage.reasoning },
    total_tokens: answer.usage.input + answer.usage.output,
  },
});

const response = (answer: WireAnswer, state: object): object => ({
  id: `resp_${answer.id}`,
  object: 'response',
  created_at: answer.createdS,
  model: answer.model,
  error: null,
  incomplete_details: null,
  instructions: null,
  metadata: {},
  parallel_tool_calls: true,
  tool_choice: 'auto',
  tools: [],
  ...state,
});
