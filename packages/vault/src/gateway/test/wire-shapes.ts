/** One whole answer and one streamed answer of each dialect, with usage in the shape of its provider. */
export const ANSWERS = {
  'openai-chat': {
    target: 'chat/completions',
    streamTarget: 'chat/completions',
    ask: { model: 'm', messages: [{ role: 'user', content: 'hi' }], max_tokens: 100 },
    whole: {
      id: 'c1',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'hello' } }],
      usage: {
        prompt_tokens: 20,
        completion_tokens: 7,
        total_tokens: 27,
        prompt_tokens_details: { cached_tokens: 5, cache_write_tokens: 3 },
      },
    },
    stream: [
      { choices: [{ index: 0, delta: { role: 'assistant', content: 'hel' } }] },
      { choices: [{ index: 0, delta: { content: 'lo' } }] },
      { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      {
        choices: [],
        usage: {
          prompt_tokens: 20,
          completion_tokens: 7,
          total_tokens: 27,
          prompt_tokens_details: { cached_tokens: 5, cache_write_tokens: 3 },
        },
      },
      '[DONE]',
    ],
  },
  'openai-responses': {
    target: 'responses',
    streamTarget: 'responses',
    ask: { model: 'm', input: 'hi', max_output_tokens: 100 },
    whole: {
      id: 'r1',
      object: 'response',
      status: 'completed',
      output: [{ type: 'message', content: [{ type: 'output_text', text: 'hello' }] }],
      usage: {
        input_tokens: 20,
        output_tokens: 7,
        total_tokens: 27,
        input_tokens_details: { cached_tokens: 5, cache_write_tokens: 3 },
      },
    },
    stream: [
      { type: 'response.created', response: { id: 'r1', status: 'in_progress', usage: null } },
      { type: 'response.output_text.delta', delta: 'hello' },
      {
        type: 'response.completed',
        response: {
          id: 'r1',
          status: 'completed',
          usage: {
            input_tokens: 20,
            output_tokens: 7,
            total_tokens: 27,
            input_tokens_details: { cached_tokens: 5, cache_write_tokens: 3 },
          },
        },
      },
    ],
  },
  anthropic: {
    target: 'messages',
    streamTarget: 'messages',
    ask: { model: 'm', messages: [{ role: 'user', content: 'hi' }], max_tokens: 100 },
    whole: {
      id: 'm1',
      type: 'message',
      role: 'assistant',
      content: [{ type: 'text', text: 'hello' }],
      usage: {
        input_tokens: 12,
        cache_read_input_tokens: 5,
        cache_creation_input_tokens: 3,
        output_tokens: 7,
      },
    },
    stream: [
      {
        type: 'message_start',
        message: {
          usage: {
            input_tokens: 12,
            cache_read_input_tokens: 5,
            cache_creation_input_tokens: 3,
            output_tokens: 1,
          },
        },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hello' } },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 7 } },
      { type: 'message_stop' },
    ],
  },
  google: {
    target: 'models/m:generateContent',
    streamTarget: 'models/m:streamGenerateContent?alt=sse',
    ask: {
      contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
      generationConfig: { maxOutputTokens: 100 },
    },
    whole: {
      candidates: [{ content: { role: 'model', parts: [{ text: 'hello' }] }, finishReason: 'STOP' }],
      usageMetadata: {
        promptTokenCount: 20,
        cachedContentTokenCount: 5,
        candidatesTokenCount: 4,
        thoughtsTokenCount: 3,
        totalTokenCount: 27,
      },
    },
    stream: [
      {
        candidates: [{ content: { parts: [{ text: 'hel' }] } }],
        usageMetadata: { promptTokenCount: 20, candidatesTokenCount: 2, totalTokenCount: 22 },
      },
      {
        candidates: [{ content: { parts: [{ text: 'lo' }] }, finishReason: 'STOP' }],
        usageMetadata: {
          promptTokenCount: 20,
          cachedContentTokenCount: 5,
          candidatesTokenCount: 4,
          thoughtsTokenCount: 3,
          totalTokenCount: 27,
        },
      },
    ],
  },
} as const;

export type DialectName = keyof typeof ANSWERS;
export const DIALECT_NAMES = Object.keys(ANSWERS).filter((name): name is DialectName => name in ANSWERS);
