/*
 * Answers as the providers document and send them, one table for each dialect, written by hand: a text with its usage
 * (120 input tokens of which 40 were cached, 30 output of which 12 are reasoning), a turn with reasoning and two
 * calls, a cut and a filtered answer, an error within the stream.
 */
import type { Dialect } from '@openlegion/contract/catalog';

export type Shape = 'text' | 'calls' | 'cut' | 'filtered' | 'error';

/** Pieces of an event stream, as they come off the wire. */
export function streamOf(dialect: Dialect, shape: Shape): string[] {
  return STREAMS[dialect][shape].map((event) => {
    if (event === '[DONE]') return 'data: [DONE]\n\n';
    const named = dialect === 'anthropic' || dialect === 'openai-responses';
    const name = named ? `event: ${String(Object(event).type)}\n` : '';
    return `${name}data: ${JSON.stringify(event)}\n\n`;
  });
}

const CALLS = [
  ['call_aaaaaaaaa', '{"city":"Paris"}'],
  ['call_bbbbbbbbb', '{"city":"Rome"}'],
] as const;

const chunk = (delta: object, finish_reason: string | null = null) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_760_000_000,
  model: 'model-1',
  choices: [{ index: 0, delta, logprobs: null, finish_reason }],
});
const chatUsage = {
  prompt_tokens: 120,
  completion_tokens: 30,
  total_tokens: 150,
  prompt_tokens_details: { cached_tokens: 40 },
  completion_tokens_details: { reasoning_tokens: 12 },
};
const chatEnd = (reason: string) => [
  chunk({}, reason),
  { ...chunk({}), choices: [], usage: chatUsage },
  '[DONE]' as const,
];
const CHAT = {
  text: [
    chunk({ role: 'assistant', content: '' }),
    chunk({ content: 'Paris ' }),
    chunk({ content: 'it is.' }),
    ...chatEnd('stop'),
  ],
  calls: [
    chunk({ role: 'assistant', content: null, reasoning_content: 'Two ' }),
    chunk({ reasoning_content: 'places.' }),
    chunk({ content: 'I look.' }),
    ...CALLS.flatMap(([id, args], index) => [
      chunk({ tool_calls: [{ index, id, type: 'function', function: { name: 'weather', arguments: '' } }] }),
      chunk({ tool_calls: [{ index, function: { arguments: args.slice(0, 5) } }] }),
      chunk({ tool_calls: [{ index, function: { arguments: args.slice(5) } }] }),
    ]),
    ...chatEnd('tool_calls'),
  ],
  cut: [chunk({ role: 'assistant', content: 'Paris ' }), ...chatEnd('length')],
  filtered: [chunk({ role: 'assistant', content: 'Par' }), ...chatEnd('content_filter')],
  error: [
    chunk({ role: 'assistant', content: 'Par' }),
    { error: { message: 'The server had an error', type: 'server_error', param: null, code: null } },
  ],
};

const responsesUsage = {
  input_tokens: 120,
  input_tokens_details: { cached_tokens: 40 },
  output_tokens: 30,
  output_tokens_details: { reasoning_tokens: 12 },
  total_tokens: 150,
};
const responsesBase = { id: 'resp_1', object: 'response', created_at: 1_760_000_000, model: 'model-1' };
const created = {
  type: 'response.created',
  response: { ...responsesBase, status: 'in_progress', output: [] },
};
const said = (...texts: string[]) => {
  const at = { item_id: 'msg_1', output_index: 1, content_index: 0 };
  const message = { id: 'msg_1', type: 'message', role: 'assistant' };
  const part = (text: string) => ({ type: 'output_text', text, annotations: [] });
  return [
    {
      type: 'response.output_item.added',
      output_index: 1,
      item: { ...message, status: 'in_progress', content: [] },
    },
    { type: 'response.content_part.added', ...at, part: part('') },
    ...texts.map((delta) => ({ type: 'response.output_text.delta', ...at, delta, logprobs: [] })),
    { type: 'response.output_text.done', ...at, text: texts.join(''), logprobs: [] },
    { type: 'response.content_part.done', ...at, part: part(texts.join('')) },
    {
      type: 'response.output_item.done',
      output_index: 1,
      item: { ...message, status: 'completed', content: [part(texts.join(''))] },
    },
  ];
};
const responsesEnd = (status: string, incomplete_details: object | null = null) => ({
  type: `response.${status}`,
  response: { ...responsesBase, status, incomplete_details, output: [], usage: responsesUsage },
});
const RESPONSES = {
  text: [created, ...said('Paris ', 'it is.'), responsesEnd('completed')],
  calls: [
    created,
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { id: 'rs_1', type: 'reasoning', summary: [], encrypted_content: 'sealed-0' },
    },
    {
      type: 'response.reasoning_summary_part.added',
      item_id: 'rs_1',
      output_index: 0,
      summary_index: 0,
      part: { type: 'summary_text', text: '' },
    },
    ...['Two ', 'places.'].map((delta) => ({
      type: 'response.reasoning_summary_text.delta',
      item_id: 'rs_1',
      output_index: 0,
      summary_index: 0,
      delta,
    })),
    {
      type: 'response.reasoning_summary_part.done',
      item_id: 'rs_1',
      output_index: 0,
      summary_index: 0,
      part: { type: 'summary_text', text: 'Two places.' },
    },
    {
      type: 'response.output_item.done',
      output_index: 0,
      item: {
        id: 'rs_1',
        type: 'reasoning',
        summary: [{ type: 'summary_text', text: 'Two places.' }],
        encrypted_content: 'sealed-1',
      },
    },
    ...said('I look.'),
    ...CALLS.flatMap(([call_id, args], index) => {
      const item = { id: `fc_${index}`, type: 'function_call', call_id, name: 'weather' };
      const at = { item_id: item.id, output_index: index + 2 };
      return [
        {
          type: 'response.output_item.added',
          output_index: index + 2,
          item: { ...item, arguments: '', status: 'in_progress' },
        },
        { type: 'response.function_call_arguments.delta', ...at, delta: args.slice(0, 5) },
        { type: 'response.function_call_arguments.delta', ...at, delta: args.slice(5) },
        { type: 'response.function_call_arguments.done', ...at, arguments: args },
        {
          type: 'response.output_item.done',
          output_index: index + 2,
          item: { ...item, arguments: args, status: 'completed' },
        },
      ];
    }),
    responsesEnd('completed'),
  ],
  cut: [created, ...said('Paris '), responsesEnd('incomplete', { reason: 'max_output_tokens' })],
  filtered: [created, ...said('Par'), responsesEnd('incomplete', { reason: 'content_filter' })],
  error: [
    created,
    ...said('Par').slice(0, 3),
    {
      type: 'error',
      sequence_number: 4,
      code: 'server_error',
      message: 'The server had an error',
      param: null,
    },
  ],
};

const messageStart = {
  type: 'message_start',
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'model-1',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: {
      input_tokens: 70,
      cache_creation_input_tokens: 10,
      cache_read_input_tokens: 40,
      output_tokens: 1,
    },
  },
};
const block = (index: number, content_block: object, ...deltas: object[]) => [
  { type: 'content_block_start', index, content_block },
  ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
  { type: 'content_block_stop', index },
];
const textBlock = (index: number, ...texts: string[]) =>
  block(index, { type: 'text', text: '' }, ...texts.map((text) => ({ type: 'text_delta', text })));
const messageEnd = (stop_reason: string) => [
  {
    type: 'message_delta',
    delta: { stop_reason, stop_sequence: null },
    usage: { output_tokens: 30 },
  },
  { type: 'message_stop' },
];
const ANTHROPIC = {
  text: [messageStart, { type: 'ping' }, ...textBlock(0, 'Paris ', 'it is.'), ...messageEnd('end_turn')],
  calls: [
    messageStart,
    ...block(
      0,
      { type: 'thinking', thinking: '', signature: '' },
      { type: 'thinking_delta', thinking: 'Two ' },
      { type: 'thinking_delta', thinking: 'places.' },
      { type: 'signature_delta', signature: 'signed-1' },
    ),
    ...textBlock(1, 'I look.'),
    ...CALLS.flatMap(([id, args], index) =>
      block(
        index + 2,
        { type: 'tool_use', id, name: 'weather', input: {} },
        { type: 'input_json_delta', partial_json: args.slice(0, 5) },
        { type: 'input_json_delta', partial_json: args.slice(5) },
      ),
    ),
    ...messageEnd('tool_use'),
  ],
  cut: [messageStart, ...textBlock(0, 'Paris '), ...messageEnd('max_tokens')],
  filtered: [messageStart, ...textBlock(0, 'Par'), ...messageEnd('refusal')],
  error: [
    messageStart,
    ...textBlock(0, 'Par').slice(0, 2),
    { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
  ],
};

const candidate = (parts: object[], finishReason?: string) => ({
  candidates: [{ content: { role: 'model', parts }, index: 0, ...(finishReason ? { finishReason } : {}) }],
  usageMetadata: {
    promptTokenCount: 120,
    cachedContentTokenCount: 40,
    candidatesTokenCount: 18,
    thoughtsTokenCount: 12,
    totalTokenCount: 150,
  },
  modelVersion: 'model-1',
  responseId: 'r1',
});
const GOOGLE = {
  text: [candidate([{ text: 'Paris ' }]), candidate([{ text: 'it is.' }], 'STOP')],
  calls: [
    candidate([{ text: 'Two ', thought: true }]),
    candidate([{ text: 'places.', thought: true }]),
    candidate([{ text: 'I look.' }]),
    candidate(
      CALLS.map(([, args], index) => ({
        functionCall: { name: 'weather', args: JSON.parse(args) },
        ...(index === 0 ? { thoughtSignature: 'signed-1' } : {}),
      })),
      'STOP',
    ),
  ],
  cut: [candidate([{ text: 'Paris ' }], 'MAX_TOKENS')],
  filtered: [candidate([{ text: 'Par' }], 'SAFETY')],
  error: [
    candidate([{ text: 'Par' }]),
    { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } },
  ],
};

const STREAMS: Record<Dialect, Record<Shape, readonly (object | '[DONE]')[]>> = {
  'openai-chat': CHAT,
  'openai-responses': RESPONSES,
  anthropic: ANTHROPIC,
  google: GOOGLE,
};

/** How each provider says that it is overloaded. */
export const OVERLOADED: Record<Dialect, { status: number; body: object }> = {
  'openai-chat': {
    status: 503,
    body: { error: { message: 'The engine is overloaded', type: 'server_error', param: null, code: null } },
  },
  'openai-responses': {
    status: 429,
    body: {
      error: {
        message: 'Rate limit reached',
        type: 'requests',
        param: null,
        code: 'rate_limit_exceeded',
      },
    },
  },
  anthropic: {
    status: 529,
    body: { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' }, request_id: 'req_1' },
  },
  google: {
    status: 503,
    body: { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } },
  },
};
