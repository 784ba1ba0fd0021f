import type { Dialect } from '@openlegion/contract/catalog';
import { namedSse, sse } from './sse.ts';

/** An answer of one text in pieces, then perhaps one tool call, as each dialect sends it; `end` is its proper end. */
export interface AnswerFrames {
  start: string[];
  texts: string[];
  call: string[];
  /** The beginning of a call whose arguments never come to their end. */
  halfCall: string[];
  end: string[];
  endWithCall: string[];
}

export function answerFrames(dialect: Dialect, pieces: readonly string[]): AnswerFrames {
  switch (dialect) {
    case 'openai-chat':
      return chat(pieces);
    case 'openai-responses':
      return responses(pieces);
    case 'anthropic':
      return anthropic(pieces);
    case 'google':
      return google(pieces);
  }
}

const ARGUMENTS = '{"command":"ls"}';

function chat(pieces: readonly string[]): AnswerFrames {
  const chunk = (choice: object) => ({
    ...{ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' },
    choices: [{ index: 0, ...choice }],
  });
  const call = (text: string) =>
    chunk({
      delta: {
        tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'exec', arguments: text } }],
      },
    });
  return {
    start: [],
    texts: sse(...pieces.map((content) => chunk({ delta: { role: 'assistant', content } }))),
    call: sse(call(ARGUMENTS)),
    halfCall: sse(call(ARGUMENTS.slice(0, 6))),
    end: sse(chunk({ delta: {}, finish_reason: 'stop' }), '[DONE]'),
    endWithCall: sse(chunk({ delta: {}, finish_reason: 'tool_calls' }), '[DONE]'),
  };
}

function responses(pieces: readonly string[]): AnswerFrames {
  const message = { id: 'msg_1', type: 'message' };
  const item = { id: 'fc_1', type: 'function_call', call_id: 'x', name: 'exec', arguments: '' };
  const added = { type: 'response.output_item.added', output_index: 1, item };
  const delta = { type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index: 1 };
  const done = { ...item, arguments: ARGUMENTS, status: 'completed' };
  const end = namedSse({
    type: 'response.completed',
    response: { usage: { input_tokens: 5, output_tokens: 3 } },
  });
  return {
    start: namedSse(
      { type: 'response.created', response: { id: 'resp_1', created_at: 1, model: 'm' } },
      { type: 'response.output_item.added', output_index: 0, item: message },
    ),
    texts: namedSse(
      ...pieces.map((text) => ({ type: 'response.output_text.delta', item_id: 'msg_1', delta: text })),
    ),
    call: namedSse(
      added,
      { ...delta, delta: ARGUMENTS },
      {
        type: 'response.output_item.done',
        output_index: 1,
        item: done,
      },
    ),
    halfCall: namedSse(added, { ...delta, delta: ARGUMENTS.slice(0, 6) }),
    end,
    endWithCall: end,
  };
}

function anthropic(pieces: readonly string[]): AnswerFrames {
  const stop = (reason: string) =>
    namedSse(
      {
        type: 'message_delta',
        delta: { stop_reason: reason, stop_sequence: null },
        usage: { output_tokens: 9 },
      },
      { type: 'message_stop' },
    );
  const begun = [
    { type: 'content_block_stop', index: 0 },
    {
      type: 'content_block_start',
      index: 1,
      content_block: { type: 'tool_use', id: 'toolu_1', name: 'exec', input: {} },
    },
  ];
  const delta = (json: string) => ({
    type: 'content_block_delta',
    index: 1,
    delta: { type: 'input_json_delta', partial_json: json },
  });
  return {
    start: namedSse(
      {
        type: 'message_start',
        message: { id: 'm', model: 'c', usage: { input_tokens: 1, output_tokens: 1 } },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ),
    texts: namedSse(
      ...pieces.map((text) => ({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'text_delta', text },
      })),
    ),
    call: namedSse(...begun, delta(ARGUMENTS), { type: 'content_block_stop', index: 1 }),
    halfCall: namedSse(...begun, delta(ARGUMENTS.slice(0, 6))),
    end: [...namedSse({ type: 'content_block_stop', index: 0 }), ...stop('end_turn')],
    endWithCall: stop('tool_use'),
  };
}

function google(pieces: readonly string[]): AnswerFrames {
  const chunk = (parts: object[], finishReason?: string) => ({
    candidates: [{ content: { role: 'model', parts }, index: 0, ...(finishReason ? { finishReason } : {}) }],
    usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 2, totalTokenCount: 7 },
  });
  const call = `data: ${JSON.stringify(chunk([{ functionCall: { name: 'exec', args: JSON.parse(ARGUMENTS) } }]))}\n\n`;
  return {
    start: [],
    texts: sse(...pieces.map((text) => chunk([{ text }]))),
    call: [call],
    // Calls come whole in this dialect: half of one is half of its event.
    halfCall: [call.slice(0, 100)],
    end: sse(chunk([{ text: '' }], 'STOP')),
    endWithCall: sse(chunk([], 'STOP')),
  };
}
